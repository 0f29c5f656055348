import { flag, type FlagValues } from './flags.ts'

/** Flags that secure the Kafka port. */
export const kafkaSecurityFlags = {
  requireSASLAuthentication: flag.boolean('answer only Kafka clients that have signed in by SASL', {
    aliases: ['requireAuthentication'],
  }),
  requireMTLSAuthentication: flag.boolean('answer only Kafka clients with a certificate of -tlsClientCACertFile'),
  kafkaTLS: flag.boolean('encrypt the Kafka port', { environment: 'WARPSTREAM_TLS_ENABLED' }),
  tlsServerCertFile: flag.text('', "the Kafka port's certificate, PEM; read again when it changes", { value: 'FILE' }),
  tlsServerPrivateKeyFile: flag.text('', "the certificate's private key, PEM", { value: 'FILE' }),
  tlsClientCACertFile: flag.text('', 'the authorities of client certificates, PEM', { value: 'FILE' }),
  tlsProfile: flag.text(
    'golang-default',
    'the oldest version of TLS: golang-default and intermediate 1.2, modern 1.3, old 1.0',
    {
      choices: ['golang-default', 'old', 'intermediate', 'modern'],
    },
  ),
  tlsPrincipalMappingRules: flag.text(
    'DEFAULT',
    "names of users out of certificates, as Kafka's ssl.principal.mapping.rules",
    {
      value: 'RULES',
    },
  ),
  saslOAuthBearerJWKSURL: flag.text('', 'the keys that sign the tokens of OAUTHBEARER clients', {
    value: 'URL',
    environment: 'PENSTOCK_SASL_OAUTHBEARER_JWKS_URL',
  }),
  saslOAuthBearerIssuer: flag.text('', 'the issuer that these tokens must name', {
    environment: 'PENSTOCK_SASL_OAUTHBEARER_ISSUER',
  }),
  saslOAuthBearerAudience: flag.list('audiences of which these tokens must name one', {
    environment: 'PENSTOCK_SASL_OAUTHBEARER_AUDIENCE',
  }),
} as const

export type KafkaSecurityFlags = FlagValues<typeof kafkaSecurityFlags>
