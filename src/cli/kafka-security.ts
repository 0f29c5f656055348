import { unwatchFile, watchFile } from 'node:fs'
import type { SecureContextOptions } from 'node:tls'
import { type Clock, messageOf } from '../base/index.ts'
import {
  bearerCheck,
  ClusterCredentials,
  PasswordCheck,
  principalMapping,
  type SecuritySettings,
  type TlsSettings,
} from '../broker/index.ts'
import type { Metadata } from '../metadata/index.ts'
import { FlagError } from './flags.ts'
import { readCertificates } from './kafka-certificates.ts'
import type { KafkaSecurityFlags } from './kafka-security-flags.ts'

/** How often certificates are checked for changes, in milliseconds. */
const certificateCheckMs = 5_000

/** The settings requested by flags, for the users of a cluster whose time `clock` gives. Throws {@link FlagError}. */
export function kafkaSecurity(flags: KafkaSecurityFlags, metadata: Metadata, clock: Clock): SecuritySettings {
  const checkToken = tokenCheck(flags)
  return {
    // Clients may always authenticate: if it is not required, it only identifies them.
    sasl: {
      credentials: new ClusterCredentials(metadata, clock),
      passwords: new PasswordCheck(),
      ...(checkToken === undefined ? {} : { checkToken }),
      maxSessionMs: 0,
      clock,
      required: flags.requireSASLAuthentication,
    },
    ...(flags.kafkaTLS || flags.requireMTLSAuthentication ? { tls: tlsSettings(flags, clock) } : {}),
  }
}

function tokenCheck(flags: KafkaSecurityFlags) {
  const { saslOAuthBearerJWKSURL: url, saslOAuthBearerIssuer: issuer, saslOAuthBearerAudience: audience } = flags
  if (url === '') return undefined
  const keys = URL.parse(url)
  if (keys === null) throw new FlagError(`-saslOAuthBearerJWKSURL is not a URL: ${JSON.stringify(url)}`)
  return bearerCheck({
    keys,
    ...(issuer === '' ? {} : { issuer }),
    ...(audience.length === 0 ? {} : { audience }),
  })
}

function tlsSettings(flags: KafkaSecurityFlags, clock: Clock): TlsSettings {
  const { tlsServerCertFile, tlsServerPrivateKeyFile, tlsClientCACertFile, requireMTLSAuthentication } = flags
  if (tlsServerCertFile === '' || tlsServerPrivateKeyFile === '')
    throw new FlagError('-kafkaTLS needs -tlsServerCertFile and -tlsServerPrivateKeyFile')
  if (requireMTLSAuthentication && tlsClientCACertFile === '')
    throw new FlagError('-requireMTLSAuthentication needs -tlsClientCACertFile')
  // Invalid files at start are fatal; invalid replacements are ignored until they are valid.
  const profile = profileOf(flags.tlsProfile)
  const current = () => ({ ...readCertificates(flags, clock.now()), ...profile })
  current()
  const files = [tlsServerCertFile, tlsServerPrivateKeyFile, tlsClientCACertFile].filter(file => file !== '')
  return {
    current,
    onChange(listener) {
      for (const file of files) watchFile(file, { interval: certificateCheckMs, persistent: false }, listener)
      return () => {
        for (const file of files) unwatchFile(file, listener)
      }
    },
    requiresClientCertificate: requireMTLSAuthentication,
    principalOf: mappingOf(flags.tlsPrincipalMappingRules),
  }
}

function profileOf(name: string): Pick<SecureContextOptions, 'minVersion' | 'ciphers'> {
  switch (name) {
    case 'golang-default':
    case 'intermediate':
      return { minVersion: 'TLSv1.2' }
    case 'modern':
      return { minVersion: 'TLSv1.3' }
    case 'old':
      // The signatures of TLS 1.0 and 1.1 are below what OpenSSL accepts by default.
      return { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }
    default:
      throw new FlagError(
        `-tlsProfile has to be golang-default, intermediate, modern or old, not ${JSON.stringify(name)}`,
      )
  }
}

function mappingOf(rules: string): (name: string) => string {
  try {
    return principalMapping(rules)
  } catch (error) {
    throw new FlagError(`-tlsPrincipalMappingRules: ${messageOf(error)}`, { cause: error })
  }
}
