import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Grant } from './grants.ts'
import { GrantError } from './grants.ts'

/** Cloud metadata services, and everything else that is never routed. */
const REFUSED = [
  '169.254.0.0/16',
  'fe80::/10',
  // Metadata services: AWS over IPv6, Alibaba, Oracle, Azure
  'fd00:ec2::/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
  // Link-local addresses behind NAT64
  '64:ff9b::a9fe:0/112',
]

const LOOPBACK = ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128']

// Created on first use: they load `node:net`, which most commands do without.
let refused: BlockList | null = null
let loopback: BlockList | null = null
const refusedRanges = () => (refused ??= rangesOf(REFUSED))
const loopbackRanges = () => (loopback ??= rangesOf(LOOPBACK))

/**
 * Decides which addresses a managed pipeline may connect to. Refused unless granted: link-local addresses, metadata
 * services, and the ports of the control plane and the agent on this machine.
 */
export class AddressFilter {
  readonly #ownPorts: ReadonlySet<number>
  readonly #everything: boolean
  readonly #exceptions: readonly Exception[]

  /**
   * `ownPorts` are refused on any address of this machine. Throws {@link GrantError} for
   * a `network` grant that is not an address.
   */
  constructor(grants: readonly Grant[], ownPorts: readonly number[]) {
    const network = grants.filter(({ capability }) => capability === 'network')
    this.#everything = network.some(({ pattern }) => pattern === null)
    this.#exceptions = network.flatMap(({ pattern }) => (pattern === null ? [] : [exceptionOf(pattern)]))
    this.#ownPorts = new Set(ownPorts)
  }

  /** Whether nothing is refused. */
  get isOpen(): boolean {
    return this.#everything
  }

  /** `address` is an IP address of either version. */
  allows(address: string, port: number): boolean {
    if (this.#everything) return true
    const plain = address.replace(/%.*$/, '')
    const isRefused = contains(refusedRanges(), plain) || (this.#ownPorts.has(port) && isOfThisMachine(plain))
    return (
      !isRefused ||
      this.#exceptions.some(({ ranges, port: only }) => (only === null || only === port) && contains(ranges, plain))
    )
  }
}

interface Exception {
  readonly ranges: BlockList
  readonly port: number | null
}

/** Parses an exception: `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1:80`, `[::1]:80`, `localhost:80`. */
function exceptionOf(pattern: string): Exception {
  const match = /^(?:\[([^\]]+)\]|([^:]*)|([^[\]]*:[^[\]]*:[^[\]]*))(?::(\d+))?$/.exec(pattern)
  const host = match?.[1] ?? match?.[2] ?? match?.[3] ?? ''
  const port = match?.[4] === undefined ? null : Number(match[4])
  if (host === 'localhost') return { ranges: loopbackRanges(), port }
  try {
    return { ranges: rangesOf([host.includes('/') ? host : `${host}/${isIP(host) === 6 ? 128 : 32}`]), port }
  } catch (error) {
    const text = `network=${pattern} is not an address or a range, such as 10.0.0.1:80 or 10.0.0.0/8`
    throw new GrantError(text, { cause: error })
  }
}

function rangesOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/')
    list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}

/** An IPv4-mapped IPv6 address matches the IPv4 ranges. */
function contains(ranges: BlockList, address: string): boolean {
  return ranges.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

function isOfThisMachine(address: string): boolean {
  if (contains(loopbackRanges(), address)) return true
  const own = new BlockList()
  for (const { address: each, family } of Object.values(networkInterfaces()).flatMap(list => list ?? [])) {
    own.addAddress(each, family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return contains(own, address)
}
