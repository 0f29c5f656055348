import { fieldsOf } from '../../base/index.ts'
import type { Socket } from 'node:net'
import { type ComponentHost, field, type Need } from '../../engine/index.ts'

/** A host and a port: `127.0.0.1:6000`, `[::1]:6000`, `:6000`. */
interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** Throws if there is no port. An empty host stays empty. */
export function socketAddress(text: string): SocketAddress {
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (colon === -1 || text.endsWith(':') || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`address ${text}: expected host:port`)
  }
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port }
}

export function socketAddressText({ host, port }: SocketAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The capabilities that a client needs: a Unix socket is a file. */
export function needsOfSocketClient(value: unknown): readonly Need[] {
  const { network, address } = fieldsOf(value)
  if (typeof address !== 'string' || address === '') return []
  if (network === 'unix') return [{ capability: 'files', target: address, field: 'address' }]
  return [{ capability: 'network', target: address.replace(/^:/, '127.0.0.1:'), field: 'address' }]
}

export const socketAddressField = field.string('The address: `host:port`, or the path of a `unix` socket.')

/** Connects over TCP or to a Unix socket. Rejects if that fails, or when the signal aborts. */
export async function connectSocket(
  { files, network }: ComponentHost,
  kind: 'unix' | 'tcp',
  address: string,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = kind === 'unix' ? files.connect(address) : network.connect(tcpTarget(address))
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const closed = () => reject(new Error('the connection was closed before it was made'))
    // The error listener stays attached: readers and writers get the error from their own call.
    socket.on('error', reject).once('connect', resolve).once('close', closed)
    await promise
    socket.off('close', closed)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function tcpTarget(address: string): SocketAddress {
  const { host, port } = socketAddress(address)
  return { host: host === '' ? 'localhost' : host, port }
}
