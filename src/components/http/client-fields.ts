import { addressOfUrl, ConfigError, field, type Infer, metadataFilterFields, tlsField } from '../../engine/index.ts'
import { oauth2Field, requestAuthFields } from './request-auth.ts'

const NOT_YET = 'Not supported yet: a configuration that enables it does not start.'

const secretText = (description: string) => field.string(description).default('').advanced().secret()
const plainText = (description: string) => field.string(description).default('').advanced()
const enabled = (description = NOT_YET) => field.bool(description).default(false).advanced()

/** The request fields shared by all HTTP clients. */
export const clientFields = {
  headers: field.interpolated('Headers of the requests.').map().default({}),
  metadata: field
    .object(metadataFilterFields, 'Which metadata of a message is sent as request headers.')
    .optional()
    .advanced(),
  dump_request_log_level: field
    .string('The level at which requests are logged with their content.')
    .default('')
    .ineffective('requests are never logged with their content')
    .options({ TRACE: '', DEBUG: '', INFO: '', WARN: '', ERROR: '', FATAL: '', '': '' })
    .advanced(),
  ...requestAuthFields,
  oauth2: oauth2Field,
  tls: tlsField,
  extract_headers: field
    .object(metadataFilterFields, 'Which response headers become metadata, with lower-case names.')
    .advanced(),
  rate_limit: field.string('A rate limit resource that limits the requests.').optional(),
  timeout: field.duration('How long a response may take.').default('5s'),
  retry_period: field.duration('The interval before a retry.').default('1s').advanced(),
  max_retry_backoff: field
    .duration('The maximum interval, if intervals grow because of `backoff_on`.')
    .default('300s')
    .advanced(),
  retries: field.int('How often a failed request is retried.').default(3).advanced(),
  backoff_on: field.int('Status codes after which the retry interval grows.').list().default([429]).advanced(),
  drop_on: field.int('Status codes after which a request is not retried.').list().default([]).advanced(),
  successful_on: field.int('Status codes that count as success in addition to 2xx.').list().default([]).advanced(),
  proxy_url: field
    .string('A proxy for all requests. Without it, `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` apply.')
    .optional()
    .advanced(),
  digest_auth: field
    .object({
      enabled: enabled('Whether to authenticate by digest with the user name and password (RFC 7616).'),
      username: plainText('The user name.'),
      password: plainText('The password.'),
    })
    .optional()
    .advanced(),
  negotiate: field
    .object({
      enabled: enabled(),
      api: field.string('').default('pure').options({ sspi: '', pure: '' }).advanced(),
      user_only_for_fallback: enabled(''),
      user: field
        .object({ domain: plainText(''), name: plainText(''), password: secretText('') })
        .optional()
        .advanced(),
      kerberos: field
        .object({ config_file_path: plainText(''), ccname: plainText('') })
        .optional()
        .advanced(),
    })
    .unsupported(value => refusalOf('negotiate', value))
    .optional()
    .advanced(),
  transport: field
    .object({
      dial_context: field
        .object({
          timeout: field
            .duration('How long establishing a connection may take, including TLS.')
            .default('30s')
            .advanced(),
          keep_alive: field
            .string('The interval of TCP keep-alive probes.')
            .default('30s')
            .ineffective('the system decides when a silent connection is probed')
            .advanced(),
        })
        .optional()
        .advanced(),
      force_http2: field
        .bool('Whether to attempt HTTP/2.')
        .default(true)
        .ineffective('requests are sent by HTTP/1.1')
        .advanced(),
      max_idle_connections: field
        .int('The maximum number of idle connections.')
        .default(100)
        .ineffective('idle connections are closed by idle_connection_timeout alone')
        .advanced(),
      idle_connection_timeout: field.duration('How long an idle connection is kept.').default('90s').advanced(),
      tls_handshake_timeout: field
        .string('How long the TLS handshake may take.')
        .default('10s')
        .ineffective('dial_context.timeout includes TLS')
        .advanced(),
      expect_continue_timeout: field
        .string('How long to wait for `100 Continue`.')
        .default('1s')
        .ineffective('no request asks for 100 Continue')
        .advanced(),
    })
    .advanced(),
} as const

export const urlField = field.interpolated('The URL of the requests.').needs('network', value => addressOfUrl(value))
export const verbField = (verb: string) => field.string('The HTTP method of the requests.').default(verb)

export type ClientConfig = Infer<typeof clientFields> & {
  readonly url: Infer<typeof urlField>
  readonly verb: string
}

/** Throws `ConfigError` if an unsupported option is enabled. */
export function refuseUnsupported(config: ClientConfig): void {
  const refusal = refusalOf('negotiate', config.negotiate)
  if (refusal !== undefined) throw new ConfigError(refusal)
}

function refusalOf(name: string, value: unknown): string | undefined {
  const isEnabled = typeof value === 'object' && value !== null && 'enabled' in value && value.enabled === true
  return isEnabled ? `field '${name}' is known but not supported by Penstock yet` : undefined
}
