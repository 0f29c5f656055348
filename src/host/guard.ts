import { type ListenOptions, Server, Socket, type TcpNetConnectOpts } from 'node:net'
import { CapabilityError } from '../base/index.ts'
import type { Host } from '../bloblang/index.ts'
import { AddressFilter } from './address-filter.ts'
import { guardDatagrams } from './datagram-guard.ts'
import type { HostPolicy } from './granted-host.ts'
import { addressOf } from './listening.ts'
import { filtered, refusalOf } from './network.ts'

/**
 * Restricts every socket of this thread to what managed pipelines are granted, including sockets of
 * SDKs that open their own and accept no replacement. `isOwnSocket` tells whether this thread itself
 * listens on the local socket with that path.
 */
export function guardSockets(
  policy: HostPolicy,
  { refusal }: Pick<Host, 'refusal'>,
  isOwnSocket: (path: string) => boolean,
): void {
  const filter = new AddressFilter(policy.grants, policy.ownPorts)
  const { connect } = Socket.prototype
  const { listen } = Server.prototype
  const connectGuarded = function (this: Socket, ...args: unknown[]): Socket {
    const [options, listener] = connectArguments(args)
    const error = connectionRefusal(filter, refusal, options)
    if (error !== undefined) return this.destroy(error)
    const target = isLocal(options) ? options : filtered(filter, options)
    return Reflect.apply(connect, this, [target, listener])
  }
  const listenGuarded = function (this: Server, ...args: unknown[]): Server {
    const options = listenArguments(args)
    const text =
      options.path !== undefined && isOwnSocket(options.path) ? undefined : refusal?.('listen', addressOf(options))
    if (text !== undefined) throw new CapabilityError('not_granted', 'listen', text)
    return Reflect.apply(listen, this, args)
  }
  guardDatagrams(filter, { refusal })
  // The overloads that Node accepts here cannot be typed as a single function.
  Socket.prototype.connect = connectGuarded as typeof connect
  Server.prototype.listen = listenGuarded
}

type ConnectOptions = TcpNetConnectOpts & { readonly path?: string | null }

/** Whether the target is a socket in the file system; HTTP agents set `path` to null otherwise. */
function isLocal<T extends { readonly path?: string | null }>(options: T): options is T & { readonly path: string } {
  return (options.path ?? '') !== ''
}

function connectionRefusal(
  filter: AddressFilter,
  refusal: Host['refusal'],
  options: ConnectOptions,
): CapabilityError | undefined {
  if (!isLocal(options)) return refusalOf(filter, options)
  const text = refusal?.('files', options.path)
  return text === undefined ? undefined : new CapabilityError('not_granted', 'files', text)
}

/** `connect` takes options, a path, or a port and a host; Node itself passes normalised arguments, as one list. */
function connectArguments(
  args: readonly unknown[],
): readonly [options: ConnectOptions, listener: (() => void) | undefined] {
  const given: readonly unknown[] = Array.isArray(args[0]) ? args[0] : args
  const listener = given.find(isListener)
  return [addressArguments(given) as ConnectOptions, listener] // a path, or a port and a host, as options
}

function isListener(argument: unknown): argument is () => void {
  return typeof argument === 'function'
}

function listenArguments(args: readonly unknown[]): ListenOptions {
  return addressArguments(args)
}

function addressArguments([first, second]: readonly unknown[]): object {
  if (typeof first === 'object' && first !== null) return first
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first }
  return { port: Number(first ?? 0), ...(typeof second === 'string' && { host: second }) }
}
