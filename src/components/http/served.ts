import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  answerError,
  ConfigError,
  Cors,
  field,
  type HttpHost,
  HttpRouter,
  type Infer,
  pause,
  type Resources,
} from '../../engine/index.ts'

/** A `cors` block. */
const corsField = field
  .object({
    enabled: field.bool('Whether cross-origin requests are allowed.').default(false).advanced(),
    allowed_origins: field.string('The allowed origins; `*` allows any.').list().default([]).advanced(),
    allowed_headers: field.string('The allowed request headers.').list().default([]).advanced(),
    allowed_methods: field
      .string('The allowed request methods.')
      .list()
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .advanced(),
  })
  .advanced()

/** The fields that determine where a component serves HTTP. */
export const servedFields = {
  address: field
    .string('A separate address to listen on; if empty, the shared HTTP server is used.')
    .needs('listen')
    .default(''),
  cert_file: field.string('A TLS certificate, for a separate address.').needs('files').default('').advanced(),
  key_file: field.string('The key of the certificate.').needs('files').default('').advanced(),
  cors: corsField,
} as const

type ServedConfig = Infer<typeof servedFields>

/** An HTTP server for the endpoints of one component: its own, or the shared one. */
export interface Served {
  readonly host: HttpHost
  close(): Promise<void>
}

/** Throws `ConfigError` if there is neither. */
export function checkServed(name: string, { address, cors }: ServedConfig, { http }: Resources): void {
  if (address !== '') new Cors(cors)
  else if (http === undefined) {
    throw new ConfigError(`${name} needs an address of its own here, as the shared HTTP server is off`)
  }
}

/** Listens on the configured address, if there is one. */
export async function serve(config: ServedConfig, resources: Resources): Promise<Served> {
  const { address, cert_file: certFile, key_file: keyFile } = config
  if (address === '') return { host: resources.http!, close: () => Promise.resolve() }
  const router = new HttpRouter()
  const cors = new Cors(config.cors)
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    if (!cors.answers(request, response) && !router.handle(request, response))
      answerError(response, 404, '404 page not found')
  }
  const { files, listen } = resources.host
  const tls =
    certFile === '' && keyFile === ''
      ? undefined
      : { cert: files.readFileSync(certFile), key: files.readFileSync(keyFile) }
  const server = listen.httpServer(handle, request => router.takesUpgrade(request), tls)
  server.on('upgrade', (request, socket, head) => {
    if (!router.upgrade(request, socket, head)) socket.destroy()
  })
  const separator = address.lastIndexOf(':')
  const host = address.slice(0, separator).replace(/^\[|\]$/g, '')
  const port = Number(address.slice(separator + 1))
  await listen.start(server, { port, host: host === '' ? '0.0.0.0' : host })
  return {
    host: router,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeIdleConnections()
      // Responses in progress are finished, unless a client does not read them.
      const over = new AbortController()
      await Promise.race([closed, pause(1000, over.signal)])
      over.abort()
      server.closeAllConnections()
      await closed
    },
  }
}
