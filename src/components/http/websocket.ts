import { messageOf, serverName } from '../../base/index.ts'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import type { Interpolation } from '../../bloblang/index.ts'
import {
  addressOfUrl,
  ConfigError,
  field,
  type Infer,
  Message,
  type Resources,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'
import { requestAuthFields, RequestSigner } from './request-auth.ts'

/** Time limit of a handshake in milliseconds. */
const handshakeMs = 45_000

/** The fields of a WebSocket client. */
export const webSocketFields = {
  url: field
    .string('The server: `ws://` or `wss://`.')
    .needs('network', value => addressOfUrl(asHttp(value)))
    .examples('ws://localhost:4195/get/ws'),
  proxy_url: field
    .string('An HTTP proxy for the connection (`http://`).')
    .needs('network', value => addressOfUrl(value))
    .optional()
    .advanced(),
  headers: field.interpolated('Headers of the handshake.').map().default({}).optional().advanced(),
  tls: tlsField,
  ...requestAuthFields,
} as const

type WebSocketConfig = Infer<typeof webSocketFields>

/** Throws `ConfigError` if a URL is not that of a WebSocket server. */
export function checkUrl({ url, proxy_url: proxy }: WebSocketConfig): void {
  const protocol = URL.parse(url)?.protocol
  if (protocol !== 'ws:' && protocol !== 'wss:') throw new ConfigError(`url ${url}: expected ws:// or wss://`)
  if (proxy !== undefined && URL.parse(proxy)?.protocol !== 'http:') {
    throw new ConfigError(`proxy_url ${proxy}: expected http://`)
  }
}

/**
 * Connects to a WebSocket server; `onMessage` receives every message from the first one on. Rejects if the connection
 * fails or the signal aborts.
 */
export async function connectWebSocket(
  config: WebSocketConfig,
  resources: Resources,
  signal: AbortSignal,
  onMessage?: (socket: WebSocket, body: Buffer) => void,
): Promise<WebSocket> {
  const { url, proxy_url: proxy } = config
  const { network, files } = resources.host
  const headers = Object.fromEntries(
    Object.entries(config.headers ?? {}).map(([name, value]) => [name, headerOf(name, value)]),
  )
  const authorization = new RequestSigner(config, resources).authorization('GET', asHttp(url))
  if (authorization !== undefined) headers['Authorization'] = authorization
  const tls = config.tls.enabled ? tlsOptions(config.tls, path => files.readFileSync(path).toString('utf8')) : {}
  const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, url, resources, signal)
  const isSecure = url.startsWith('wss:')
  // `ws` takes the protocols of the handshake as a separate argument, against which it checks the response.
  const protocolName = Object.keys(headers).find(name => name.toLowerCase() === 'sec-websocket-protocol')
  const protocols = protocolName === undefined ? [] : headers[protocolName]!.split(/\s*,\s*/)
  if (protocolName !== undefined) delete headers[protocolName]
  const socket = new WebSocket(url, protocols, {
    headers,
    handshakeTimeout: handshakeMs,
    agent: isSecure ? network.secureAgent(tls) : network.agent(),
    ...(tunnel === undefined
      ? {}
      : { agent: false, createConnection: () => throughTunnel(tunnel, url, tls, resources) }),
  })
  // The first messages may arrive together with the handshake response.
  if (onMessage !== undefined) socket.on('message', data => onMessage(socket, bytesOf(data)))
  const abort = () => socket.terminate()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the connection was closed before it was made')))
    })
    // Readers and writers notice errors by the end of the connection.
    socket.on('error', () => undefined)
    return socket
  } catch (error) {
    tunnel?.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function headerOf(name: string, value: Interpolation): string {
  try {
    return value.eval([Message.fromText('')], 0)
  } catch (error) {
    throw new Error(`failed string interpolation on header "${name}": ${messageOf(error)}`)
  }
}

/** The URL with the scheme of HTTP, for signatures and capabilities. */
function asHttp(value: unknown): string {
  return String(value).replace(/^ws/, 'http')
}

/** Opens a connection through a proxy (RFC 9110, CONNECT). */
async function openTunnel(proxy: string, url: string, { host }: Resources, signal: AbortSignal): Promise<Socket> {
  const { hostname, port, username, password } = new URL(proxy)
  const target = addressOfUrl(asHttp(url))!
  const socket = host.network.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) })
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const authorization = username === '' ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`
  try {
    return await new Promise<Socket>((resolve, reject) => {
      let head = ''
      const read = (piece: Buffer) => {
        head += piece.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end === -1 && head.length < 16_384) return
        socket.off('data', read).pause()
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
        if (end === -1 || status?.startsWith('2') !== true) {
          return reject(new Error(`proxy ${hostname} refused the connection: ${head.split('\r\n', 1)[0]}`))
        }
        const rest = head.slice(end + 4)
        if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'))
        resolve(socket)
      }
      socket.on('error', reject).on('data', read)
      socket.once('close', () => reject(new Error(`proxy ${hostname} closed the connection`)))
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`)
    })
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function throughTunnel(tunnel: Socket, url: string, tls: object, { host }: Resources): Socket | TLSSocket {
  if (!url.startsWith('wss:')) return tunnel
  const name = new URL(url).hostname.replace(/^\[|\]$/g, '')
  return host.network.connectTls({ ...tls, socket: tunnel, host: name, servername: serverName(name) })
}

function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}
