import { field, type Infer } from './fields.ts'

/** The `tls` block of a component that opens connections. */
export const tlsField = field
  .object(
    {
      enabled: field.bool('Whether connections use TLS with these settings.').default(false).advanced(),
      skip_cert_verify: field
        .bool("Whether to skip the verification of the server's certificate.")
        .default(false)
        .advanced(),
      enable_renegotiation: field
        .bool('Has no effect: servers cannot request renegotiation.')
        .default(false)
        .advanced(),
      root_cas: field.string('Certificates of trusted authorities, in PEM format.').default('').secret().advanced(),
      root_cas_file: field
        .string('A file with certificates of trusted authorities.')
        .needs('files')
        .default('')
        .advanced(),
      client_certs: field
        .object({
          cert: field.string('A client certificate, in PEM format.').default('').advanced(),
          key: field.string('Its key, in PEM format.').default('').secret().advanced(),
          cert_file: field.string('A file with the client certificate.').needs('files').default('').advanced(),
          key_file: field.string('A file with its key.').needs('files').default('').advanced(),
          password: field.string('The password of the key.').default('').secret().advanced(),
        })
        .list()
        .default([])
        .advanced(),
    },
    'TLS settings of the connections.',
  )
  .advanced()

/** Options for `node:tls`. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
}

/** Converts a `tls` block to options; `readFile` returns the text of a file and throws if there is none. */
export function tlsOptions(config: Infer<typeof tlsField>, readFile: (path: string) => string): TlsOptions {
  const textOr = (text: string, path: string) => (text === '' ? readFile(path) : text)
  const hasAuthorities = config.root_cas !== '' || config.root_cas_file !== ''
  const [own] = config.client_certs
  return {
    rejectUnauthorized: !config.skip_cert_verify,
    ...(hasAuthorities ? { ca: textOr(config.root_cas, config.root_cas_file) } : {}),
    ...(own === undefined ? {} : { cert: textOr(own.cert, own.cert_file), key: textOr(own.key, own.key_file) }),
    ...(own === undefined || own.password === '' ? {} : { passphrase: own.password }),
  }
}
