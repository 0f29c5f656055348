import { text } from 'node:stream/consumers'
import { messageOf, fieldsOf } from '../../base/index.ts'
import {
  addressOfUrl,
  ConfigError,
  field,
  HttpTransport,
  type Infer,
  type Resources,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'
import { clientFields } from '../http/client-fields.ts'
import { RequestSigner, requestAuthFields } from '../http/request-auth.ts'

/** The registry fields shared by both processors. */
export const registryFields = {
  url: field.string('The base URL of the schema registry.').needs('network', value => addressOfUrl(value)),
  avro_raw_json: field
    .bool('Whether values of Avro unions appear without the names of their types.')
    .default(false)
    .advanced(),
  avro_nested_schemas: field
    .bool(
      'Whether Avro schemas may refer to others anywhere, and not only as a union of references, up to 100 levels deep.',
    )
    .default(false)
    .advanced()
    .since('1.2.0'),
  transport: clientFields.transport.since('1.13.0'),
  ...requestAuthFields,
  tls: tlsField,
} as const

export type RegistryConfig = Infer<typeof registryFields>

/** A schema as returned by the registry. */
export interface RegisteredSchema {
  readonly id: number
  readonly type: string
  readonly schema: string
  readonly references: readonly Reference[]
}

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

const TIMEOUT_MS = 5000
const ATTEMPTS = 3
/** Maximum number of direct and indirect references of a schema. */
const MAX_REFERENCES = 1000
const MAX_ANSWER_CHARS = 67_108_864

/** A client of a schema registry. */
export class Registry {
  readonly #base: URL
  readonly #transport: HttpTransport
  readonly #signer: RequestSigner
  readonly #log: Resources['log']
  readonly #sanitizes: boolean

  /** With `sanitizes`, characters that Avro does not allow are removed from namespaces. Throws `ConfigError`. */
  constructor(config: RegistryConfig, resources: Resources, sanitizes = false) {
    if (!URL.canParse(config.url)) throw new ConfigError(`failed to parse url: ${JSON.stringify(config.url)}`)
    this.#base = new URL(config.url)
    const { network, files } = resources.host
    const { tls, transport } = config
    this.#transport = new HttpTransport({
      tls: tls.enabled ? tlsOptions(tls, path => files.readFileSync(path).toString('utf8')) : undefined,
      environment: network.proxyVariables,
      sockets: network,
      connectTimeoutMs: transport.dial_context?.timeout,
      idleTimeoutMs: transport.idle_connection_timeout,
    })
    this.#signer = new RequestSigner(config, resources)
    this.#log = resources.log
    this.#sanitizes = sanitizes
  }

  async byId(id: number): Promise<RegisteredSchema> {
    return await this.#schema(`schemas/ids/${id}`, `schema '${id}'`)
  }

  /** The latest version of a subject, or a given one. */
  async bySubject(subject: string, version: number | 'latest'): Promise<RegisteredSchema> {
    return await this.#schema(
      `subjects/${encodeURIComponent(subject)}/versions/${version}`,
      `schema subject '${subject}'`,
    )
  }

  /** All schemas that one refers to, by the names it uses; each comes before those that refer to it. */
  async referencesOf({ references }: RegisteredSchema): Promise<ReadonlyMap<string, string>> {
    const versions = new Map<string, number>()
    const schemas = new Map<string, string>()
    const walk = async (list: readonly Reference[]): Promise<void> => {
      for (const { name, subject, version } of list) {
        const seen = versions.get(name)
        if (seen !== undefined && seen !== version) {
          throw new Error(
            `duplicate reference '${name}' version mismatch of ${seen} and ${version}, aborting in order to avoid invalid state`,
          )
        }
        if (seen !== undefined) continue
        if (versions.size >= MAX_REFERENCES) throw new Error(`more than ${MAX_REFERENCES} schemas are referred to`)
        versions.set(name, version)
        const found = await this.bySubject(subject, version)
        await walk(found.references)
        schemas.set(name, found.schema)
      }
    }
    await walk(references)
    return schemas
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  async #schema(path: string, what: string): Promise<RegisteredSchema> {
    const { statusCode, body } = await this.#request(path, what)
    if (statusCode === 404) throw this.#failed(`${what} not found by registry`)
    if (statusCode !== 200) {
      throw this.#failed(`request failed for ${what}: status code ${statusCode}${body === '' ? '' : `: ${body}`}`)
    }
    if (body === '') throw this.#failed(`request for ${what} returned an empty body`)
    try {
      const answer = schemaOf(JSON.parse(body))
      return this.#sanitizes ? { ...answer, schema: sanitized(answer.schema) } : answer
    } catch (error) {
      throw this.#failed(`failed to parse response for ${what}: ${messageOf(error)}`)
    }
  }

  #failed(reason: string): Error {
    this.#log.error(reason)
    return new Error(reason)
  }

  async #request(path: string, what: string): Promise<{ readonly statusCode: number; readonly body: string }> {
    const url = new URL(this.#base)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
    for (let attempt = 1; ; attempt++) {
      try {
        const authorization = this.#signer.authorization('GET', url.href)
        const response = await this.#transport.request(url.href, {
          method: 'GET',
          headers: {
            Accept: 'application/vnd.schemaregistry.v1+json',
            ...(authorization === undefined ? {} : { Authorization: authorization }),
          },
          timeoutMs: TIMEOUT_MS,
        })
        const body = (await text(response.body)).trim()
        if (body.length > MAX_ANSWER_CHARS) throw new Error('the answer is too large')
        return { statusCode: response.statusCode, body }
      } catch (error) {
        const message = messageOf(error)
        this.#log.error(`request failed: ${message}`)
        if (attempt === ATTEMPTS) throw this.#failed(`request failed for ${what}: ${message}`)
      }
    }
  }
}

function schemaOf(answer: unknown): RegisteredSchema {
  const { id = 0, schemaType = '', schema, references = [] } = fieldsOf(answer)
  if (
    typeof schema !== 'string' ||
    typeof id !== 'number' ||
    typeof schemaType !== 'string' ||
    !Array.isArray(references)
  ) {
    throw new Error('it is not a schema')
  }
  return { id, schema, type: schemaType === '' ? 'AVRO' : schemaType, references: references.map(referenceOf) }
}

function referenceOf(value: unknown): Reference {
  const { name, subject, version } = fieldsOf(value)
  if (typeof name === 'string' && typeof subject === 'string' && typeof version === 'number') {
    return { name, subject, version }
  }
  throw new Error('a reference has no name, subject and version')
}

/** A schema whose namespaces contain letters, digits and underscores only. */
function sanitized(schema: string): string {
  const clean = (part: string) => part.replaceAll(/\W/g, '')
  return JSON.stringify(
    JSON.parse(schema, (key, value: unknown) => {
      if (typeof value !== 'string') return value
      const parts = value.split('.')
      if (key === 'namespace') return parts.map(clean).join('.')
      return key === 'name' ? [...parts.slice(0, -1).map(clean), parts.at(-1)].join('.') : value
    }),
  )
}
