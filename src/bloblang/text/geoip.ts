/** Look-ups in MaxMind databases. As in the original, results have all fields of a record, known or not. */
import { fieldsOf } from '../../base/index.ts'
import { createRequire } from 'node:module'
import { isIP, isIPv6 } from 'node:net'
import type { Reader, Response } from 'maxmind'
import { readHostFile } from '../data/host-files.ts'
import { MappingError } from '../errors.ts'
import type { MethodSpec, Host } from '../stdlib/spec.ts'
import type { Value } from '../value.ts'
import { quote } from './quote.ts'
import { getString } from '../data/coerce.ts'

const require = createRequire(import.meta.url)

/** The value of a field that the database does not know. */
type Shape = '' | 0 | false | 'names' | 'subdivisions' | Fields
interface Fields {
  readonly [field: string]: readonly [key: string, shape: Shape]
}

const CONTINENT: Fields = { Names: ['names', 'names'], Code: ['code', ''], GeoNameID: ['geoname_id', 0] }
const COUNTRY: Fields = {
  Names: ['names', 'names'],
  IsoCode: ['iso_code', ''],
  GeoNameID: ['geoname_id', 0],
  IsInEuropeanUnion: ['is_in_european_union', false],
}
const REPRESENTED: Fields = { ...COUNTRY, Type: ['type', ''] }
const CONFIDENCE: Fields = { Confidence: ['confidence', 0] }
const CITY: Fields = { Names: ['names', 'names'], GeoNameID: ['geoname_id', 0] }
const SUBDIVISION: Fields = { ...CITY, IsoCode: ['iso_code', ''] }
const TRAITS: Fields = {
  IsAnonymousProxy: ['is_anonymous_proxy', false],
  IsSatelliteProvider: ['is_satellite_provider', false],
}
const LOCATION: Fields = {
  TimeZone: ['time_zone', ''],
  Latitude: ['latitude', 0],
  Longitude: ['longitude', 0],
  MetroCode: ['metro_code', 0],
  AccuracyRadius: ['accuracy_radius', 0],
}
const ASN: Fields = {
  AutonomousSystemOrganization: ['autonomous_system_organization', ''],
  AutonomousSystemNumber: ['autonomous_system_number', 0],
}
const ISP: Fields = {
  ...ASN,
  ISP: ['isp', ''],
  MobileCountryCode: ['mobile_country_code', ''],
  MobileNetworkCode: ['mobile_network_code', ''],
  Organization: ['organization', ''],
}
const CONNECTION: Fields = { ConnectionType: ['connection_type', ''] }
const DOMAIN: Fields = { Domain: ['domain', ''] }
const COUNTRIES: Fields = {
  Continent: ['continent', CONTINENT],
  Country: ['country', COUNTRY],
  RegisteredCountry: ['registered_country', COUNTRY],
  RepresentedCountry: ['represented_country', REPRESENTED],
}

/** A kind of record: its names in errors and documentation, and its fields. */
interface Kind {
  readonly method: string
  readonly entity: string
  readonly fields: Fields
}

const KINDS = {
  anonymous_ip: {
    method: 'AnonymousIP',
    entity: 'anonymous IP',
    fields: {
      IsAnonymous: ['is_anonymous', false],
      IsAnonymousVPN: ['is_anonymous_vpn', false],
      IsHostingProvider: ['is_hosting_provider', false],
      IsPublicProxy: ['is_public_proxy', false],
      IsResidentialProxy: ['is_residential_proxy', false],
      IsTorExitNode: ['is_tor_exit_node', false],
    },
  },
  asn: { method: 'ASN', entity: 'ASN', fields: ASN },
  city: {
    method: 'City',
    entity: 'city',
    fields: {
      ...COUNTRIES,
      City: ['city', CITY],
      Postal: ['postal', { Code: ['code', ''] }],
      Subdivisions: ['subdivisions', 'subdivisions'],
      Location: ['location', LOCATION],
      Traits: ['traits', TRAITS],
    },
  },
  connection_type: { method: 'ConnectionType', entity: 'connection type', fields: CONNECTION },
  country: { method: 'Country', entity: 'country', fields: { ...COUNTRIES, Traits: ['traits', TRAITS] } },
  domain: { method: 'Domain', entity: 'domain', fields: DOMAIN },
  enterprise: {
    method: 'Enterprise',
    entity: 'enterprise',
    fields: {
      ...COUNTRIES,
      Country: ['country', { ...COUNTRY, ...CONFIDENCE }],
      RegisteredCountry: ['registered_country', { ...COUNTRY, ...CONFIDENCE }],
      City: ['city', { ...CITY, ...CONFIDENCE }],
      Postal: ['postal', { Code: ['code', ''], ...CONFIDENCE }],
      Subdivisions: ['subdivisions', 'subdivisions'],
      Location: ['location', LOCATION],
      Traits: [
        'traits',
        {
          ...TRAITS,
          ...ISP,
          ...CONNECTION,
          ...DOMAIN,
          UserType: ['user_type', ''],
          StaticIPScore: ['static_ip_score', 0],
          IsLegitimateProxy: ['is_legitimate_proxy', false],
        },
      ],
    },
  },
  isp: { method: 'ISP', entity: 'ISP', fields: ISP },
} as const satisfies Record<string, Kind>

/** The kind of record that a method looks up: `city`, `country` … */
export type GeoipKind = keyof typeof KINDS

/** The kinds of records that a type of database provides. */
function kindsOf(databaseType: string): readonly GeoipKind[] {
  if (/^GeoIP2-Anonymous-IP$/.test(databaseType)) return ['anonymous_ip']
  if (/^(?:DBIP-ASN-Lite \(compat=GeoLite2-ASN\)|GeoLite2-ASN)$/.test(databaseType)) return ['asn']
  if (
    /^(?:DBIP-City-Lite|DBIP-Country(?:-Lite)?|DBIP-Location \(compat=City\)|Geo(?:Lite2|IP2)-(?:City|Country)|GeoIP2-City-(?:Africa|Asia-Pacific|Europe|North-America|South-America)|GeoIP2-Precision-City)$/.test(
      databaseType,
    )
  ) {
    return ['city', 'country']
  }
  if (databaseType === 'GeoIP2-Connection-Type') return ['connection_type']
  if (databaseType === 'GeoIP2-Domain') return ['domain']
  if (
    /^(?:DBIP-ISP \(compat=Enterprise\)|DBIP-Location-ISP \(compat=Enterprise\)|GeoIP2-Enterprise)$/.test(databaseType)
  ) {
    return ['enterprise', 'city', 'country']
  }
  if (/^GeoIP2-(?:Precision-)?ISP$/.test(databaseType)) return ['isp', 'asn']
  throw new MappingError(`geoip2: reader does not support the ${quote(databaseType)} database type`)
}

/** The method `geoip_…` for a kind of record. */
export function geoipMethod(kind: GeoipKind): MethodSpec {
  const { method, entity, fields }: Kind = KINDS[kind]
  return {
    name: `geoip_${kind}`,
    categories: ['GeoIP'],
    status: 'experimental',
    description:
      `Looks up an IP address in a [MaxMind database](https://www.maxmind.com/en/home) and returns its ${entity} ` +
      'record as an object. Fields without data are empty.',
    params: [{ name: 'path', type: 'string', description: 'The path of the mmdb file.' }],
    examples: [],
    needs: 'files',
    bareErrors: true,
    create: ([path], host) => {
      const reader = open(path as string, host) // the parameter is text
      const { databaseType } = reader.metadata
      const kinds = kindsOf(databaseType)
      return target => {
        const address = getString(target)
        if (isIP(address) === 0 || address.includes('%')) {
          throw new MappingError(`value ${address} does not appear to be a valid v4 or v6 IP address`)
        }
        if (!kinds.includes(kind)) {
          throw new MappingError(`geoip2: the ${method} method does not support the ${databaseType} database`)
        }
        if (isIPv6(address) && reader.metadata.ipVersion === 4 && !/^::ffff:/i.test(address)) {
          const what = 'you attempted to look up an IPv6 address in an IPv4-only database'
          throw new MappingError(`error looking up '${address}': ${what}`)
        }
        // Records of a database are objects.
        return shaped(reader.get(address) as Record<string, unknown> | null, fields)
      }
    },
  }
}

const readers = new WeakMap<Host, Map<string, Reader<Response>>>()

function open(path: string, host: Host): Reader<Response> {
  const opened = readers.get(host) ?? new Map<string, Reader<Response>>()
  readers.set(host, opened)
  const known = opened.get(path)
  if (known !== undefined) return known
  const bytes = readHostFile(host, path)
  const { Reader } = require('maxmind') as typeof import('maxmind') // require returns an untyped value
  let reader: Reader<Response>
  try {
    reader = new Reader<Response>(Buffer.from(bytes))
  } catch {
    throw new MappingError('error opening database: invalid MaxMind DB file')
  }
  opened.set(path, reader)
  return reader
}

function shaped(record: Record<string, unknown> | null | undefined, fields: Fields): Value {
  return Object.fromEntries(
    Object.entries(fields).map(([name, [key, shape]]) => [name, fieldValue(record?.[key], shape, fields)]),
  )
}

function fieldValue(value: unknown, shape: Shape, siblings: Fields): Value {
  if (shape === 'names') return (value as Value | undefined) ?? null // databases contain JSON values
  if (shape === 'subdivisions') {
    if (!Array.isArray(value)) return null
    // An enterprise database includes a confidence for each.
    const isSure = 'Traits' in siblings && siblings.Country?.[1] !== COUNTRY
    const fields = isSure ? { ...SUBDIVISION, ...CONFIDENCE } : SUBDIVISION
    return value.map(part => shaped(fieldsOf(part), fields))
  }
  // The shape says that it is an object.
  if (typeof shape === 'object') return shaped(value as Record<string, unknown> | undefined, shape)
  return (value as Value | undefined) ?? shape // databases contain JSON values
}
