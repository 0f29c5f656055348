import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns'
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { createRequire } from 'node:module'
import { connect, isIP, type LookupFunction, Socket } from 'node:net'
import process from 'node:process'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { buildConnector } from 'undici'
import { CapabilityError } from '../base/index.ts'
import type { Network } from '../engine/index.ts'
import type { AddressFilter } from './address-filter.ts'
import { refusalText } from './grants.ts'

// Loaded on first use: it takes as long as a short command.
const undici = () => createRequire(import.meta.url)('undici') as typeof import('undici')

/** The network without restrictions. */
export const openNetwork: Network = {
  connect,
  connectTls,
  lookup: (hostname, options, callback) => lookup(hostname, options, callback),
  datagrams: type => createSocket(type),
  agent: options => new Agent(options),
  secureAgent: options => new SecureAgent(options),
  fetch: (input, init) => undici().fetch(input, init),
  dispatcher: options => new (undici().Agent)(options),
  get proxyVariables() {
    return process.env
  },
}

/** The network except the addresses that a filter refuses. */
export function filteredNetwork(filter: AddressFilter): Network {
  if (filter.isOpen) return openNetwork
  let dispatcher: ReturnType<Network['dispatcher']> | undefined
  const network: Network = {
    connect: options => refusedSocket(filter, options, new Socket()) ?? connect(filtered(filter, options)),
    connectTls: options =>
      refusedSocket(filter, options, new TLSSocket(new Socket())) ?? connectTls(filtered(filter, options)),
    lookup: filteredLookup(filter, 0),
    // `guardDatagrams` applies the filter to every UDP socket of a thread with such a network.
    datagrams: openNetwork.datagrams,
    agent: options => filteredAgent(filter, new Agent(options)),
    secureAgent: options => filteredAgent(filter, new SecureAgent(options)),
    proxyVariables: {},
    fetch: (input, init) => {
      dispatcher ??= network.dispatcher()
      return undici().fetch(input, { ...init, dispatcher })
    },
    dispatcher: options => new (undici().Agent)({ ...options, connect: connector(filter, options?.connect) }),
  }
  return network
}

/** What a socket connects to, as far as a filter is concerned. */
export interface Target {
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  readonly lookup?: LookupFunction | undefined
}

/** Returns why connecting to a literal address is refused; names are checked when they are resolved. */
export function refusalOf(filter: AddressFilter, { host, port }: Target): CapabilityError | undefined {
  const address = (host ?? '').replace(/^\[|\]$/g, '')
  return isIP(address) === 0 || filter.allows(address, Number(port)) ? undefined : refusal(address, Number(port))
}

/** Returns the options with a lookup that resolves names through the filter. */
export function filtered<T extends Target>(filter: AddressFilter, options: T): T {
  return { ...options, lookup: filteredLookup(filter, Number(options.port), options.lookup) }
}

function refusal(host: string, port: number): CapabilityError {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return new CapabilityError('not_granted', 'network', refusalText('network', address))
}

/** Returns only the allowed addresses of a name; fails if there are none. */
export function filteredLookup(
  filter: AddressFilter,
  port: number,
  resolve: LookupFunction = openNetwork.lookup,
): LookupFunction {
  return (hostname, options, callback) =>
    resolve(hostname, options, (error, found, family) => {
      if (error) return callback(error, found, family)
      const addresses = typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found
      const allowed = addresses.filter(({ address }) => filter.allows(address, port))
      const [first] = allowed
      if (first === undefined) return callback(refusal(hostname, port), [])
      if (typeof found === 'string') callback(null, first.address, first.family)
      else callback(null, allowed)
    })
}

/**
 * Returns a destroyed socket if the target is refused, so that the refusal arrives as
 * an event like any other connect failure.
 */
function refusedSocket<S extends Socket>(filter: AddressFilter, target: Target, socket: S): S | undefined {
  const error = refusalOf(filter, target)
  return error === undefined ? undefined : socket.destroy(error)
}

function filteredAgent<A extends Agent>(filter: AddressFilter, agent: A): A {
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const error = refusalOf(filter, options)
    if (error !== undefined) throw error
    return create(filtered(filter, options), callback)
  }
  return agent
}

type Connecting = buildConnector.BuildOptions | buildConnector.connector

/** Returns how `undici` connects. A connector caches TLS sessions, so each port gets its own. */
function connector(filter: AddressFilter, given: Connecting | undefined): buildConnector.connector {
  if (typeof given === 'function') throw new TypeError('a filtered network does not accept a custom connector')
  const byPort = new Map<number, buildConnector.connector>()
  return (options, callback) => {
    const port = Number(options.port || (options.protocol === 'https:' ? 443 : 80))
    const error = refusalOf(filter, { host: options.hostname, port })
    if (error !== undefined) return callback(error, null)
    let connectTo = byPort.get(port)
    if (connectTo === undefined) {
      connectTo = undici().buildConnector({ ...given, lookup: filteredLookup(filter, port) })
      byPort.set(port, connectTo)
    }
    connectTo(options, callback)
  }
}
