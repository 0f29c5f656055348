import { field, type Infer } from './fields.ts'

/** The `tls` block of a component that opens connections. */
export const tlsField = field
  .object(
    {
      enabled: field.bool('Whether connections are encrypted by these settings.').default(false).advanced(),
      skip_cert_verify: field.bool("Whether the server's certificate is accepted unseen.").default(false).advanced(),
      enable_renegotiation: field.bool('Has no meaning here: a server cannot ask for it.').default(false).advanced(),
      root_cas: field.string('Certificates of trusted authorities, as PEM.').default('').secret().advanced(),
      root_cas_file: field
        .string('A file with certificates of trusted authorities.')
        .needs('files')
        .default('')
        .advanced(),
      client_certs: field
        .object({
          cert: field.string('A certificate, as PEM.').default('').advanced(),
          key: field.string('Its key, as PEM.').default('').secret().advanced(),
          cert_file: field.string('A file with the certificate.').needs('files').default('').advanced(),
          key_file: field.string('A file with its key.').needs('files').default('').advanced(),
          password: field.string('The password of the key.').default('').secret().advanced(),
        })
        .list()
        .default([])
        .advanced(),
    },
    'Encryption of the connections.',
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
