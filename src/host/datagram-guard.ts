import { Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { CapabilityError } from '../base/index.ts'
import type { Host } from '../bloblang/index.ts'
import type { AddressFilter } from './address-filter.ts'
import { filteredLookup, refusalOf } from './network.ts'

type Callback = (error: Error | null) => void

/** Restricts this thread's datagrams to the addresses that a filter allows, and its bound ports to granted ones. */
export function guardDatagrams(filter: AddressFilter, { refusal }: Pick<Host, 'refusal'>): void {
  const { bind, connect, send } = Socket.prototype
  const bindGuarded = function (this: Socket, ...args: unknown[]): Socket {
    const { port, address } = bindArguments(args)
    // A socket on an ephemeral port only receives replies.
    const text = port === 0 ? undefined : refusal?.('listen', `${address}:${port}`)
    if (text !== undefined) throw new CapabilityError('not_granted', 'listen', text)
    return Reflect.apply(bind, this, args)
  }
  const connectGuarded = function (this: Socket, port: number, ...rest: unknown[]): void {
    const target = { port, address: textIn(rest), callback: callbackIn(rest) }
    toAllowed(this, filter, target, address => Reflect.apply(connect, this, [port, address, target.callback]))
  }
  const sendGuarded = function (this: Socket, ...args: unknown[]): void {
    if (isConnected(this)) return Reflect.apply(send, this, args)
    const { payload, ...target } = sendArguments(args)
    toAllowed(this, filter, target, address =>
      Reflect.apply(send, this, [...payload, target.port, address, target.callback]),
    )
  }
  // The overloads that Node accepts here cannot be typed as a single function.
  Socket.prototype.bind = bindGuarded as typeof bind
  Socket.prototype.connect = connectGuarded
  Socket.prototype.send = sendGuarded
}

interface Target {
  readonly port: number
  /** Absent for this machine. */
  readonly address: string | undefined
  readonly callback: Callback | undefined
}

/** Calls `proceed` with the address of an allowed target; a refusal is reported like any other send failure. */
function toAllowed(
  socket: Socket,
  filter: AddressFilter,
  { port, address, callback }: Target,
  proceed: (address: string) => unknown,
): void {
  const isVersion6 = (socket as Socket & { readonly type: string }).type === 'udp6' // missing in Node's types
  const host = address ?? (isVersion6 ? '::1' : '127.0.0.1')
  const fail = (error: Error) => (callback === undefined ? socket.emit('error', error) : callback(error))
  const refused = refusalOf(filter, { host, port })
  if (refused !== undefined) return process.nextTick(fail, refused)
  if (isIP(host) !== 0) return void proceed(host)
  filteredLookup(filter, port)(host, { family: isVersion6 ? 6 : 4 }, (error, found) => {
    if (error) fail(error)
    else proceed(typeof found === 'string' ? found : found[0]!.address)
  })
}

function isConnected(socket: Socket): boolean {
  try {
    socket.remoteAddress()
    return true
  } catch {
    return false
  }
}

/** Parses the arguments `bind(options)` or `bind(port, address)`, each followed by a callback. */
function bindArguments(args: readonly unknown[]): { readonly port: number; readonly address: string } {
  const [first] = args
  // Node's options may hold these two.
  const options = typeof first === 'object' && first !== null ? (first as { port?: number; address?: string }) : null
  if (options !== null) return { port: options.port ?? 0, address: options.address ?? '' }
  return { port: typeof first === 'number' ? first : 0, address: textIn(args) ?? '' }
}

/**
 * Parses `send(message, port, address)` or `send(message, offset, length, port, address)`, each followed by a callback.
 */
function sendArguments(args: readonly unknown[]): Target & { readonly payload: readonly unknown[] } {
  const hasRange = args[4] !== undefined || (args[3] !== undefined && typeof args[3] !== 'function')
  const at = hasRange ? 3 : 1
  const rest = args.slice(at)
  return {
    payload: args.slice(0, at),
    port: Number(rest[0]),
    address: textIn(rest.slice(1)),
    callback: callbackIn(rest),
  }
}

function textIn(args: readonly unknown[]): string | undefined {
  return args.find(argument => typeof argument === 'string')
}

function callbackIn(args: readonly unknown[]): Callback | undefined {
  // The last argument of send is its callback.
  return args.find(argument => typeof argument === 'function') as Callback | undefined
}
