import { CapabilityError, type Capability } from '../base/index.ts'
import type { ComponentHost } from '../engine/index.ts'
import { AddressFilter } from './address-filter.ts'
import { checkedDatabases } from './databases.ts'
import { checkedFiles } from './files.ts'
import { type Grant, isGranted, parseGrants, refusalText } from './grants.ts'
import { checkedListening } from './listening.ts'
import { filteredNetwork, refusalOf } from './network.ts'
import { openProcesses, openStdio, readForMapping, systemHost } from './system-host.ts'

/** What managed pipelines may reach. Plain data, so that it can be sent to their threads. */
export interface HostPolicy {
  readonly grants: readonly Grant[]
  /** Ports of the control plane and the agent on this machine, which `network` does not reach. */
  readonly ownPorts: readonly number[]
}

/** Parses `files=/data,env=PIPELINE_*,network=10.0.0.1:80,stdio`. Throws `GrantError`. */
export function readGrants(text: string): readonly Grant[] {
  const grants = parseGrants(text)
  new AddressFilter(grants, []) // throws for a network grant that is not an address
  return grants
}

/**
 * The machine as managed pipelines see it: what is granted, and the network except link-local addresses, metadata
 * services and our own servers. Throws `GrantError` for a grant that cannot be parsed.
 */
export function grantedHost({ grants, ownPorts }: HostPolicy): ComponentHost {
  const filter = new AddressFilter(grants, ownPorts)
  const refusal = (capability: Capability, target?: string) => {
    if (capability === 'network') {
      return target === undefined ? undefined : refusalOf(filter, literalTarget(target))?.message
    }
    return isGranted(grants, capability, target) ? undefined : refusalText(capability, target)
  }
  const check = (capability: Capability) => (target?: string) => {
    const text = refusal(capability, target)
    if (text !== undefined) throw new CapabilityError('not_granted', capability, text)
  }
  return {
    ...systemHost,
    refusal,
    env: name => (refusal('environment', name) === undefined ? systemHost.env(name) : undefined),
    readFile(path) {
      check('files')(path)
      return readForMapping(path)
    },
    files: checkedFiles(check('files')),
    databases: checkedDatabases(check('database_files')),
    processes: {
      spawn(name, args) {
        check('processes')(name)
        return openProcesses.spawn(name, args)
      },
    },
    network: filteredNetwork(filter),
    listen: checkedListening(check('listen')),
    stdio: {
      get input() {
        check('stdio')()
        return openStdio.input
      },
      get output() {
        check('stdio')()
        return openStdio.output
      },
    },
  }
}

/** Splits a configured `host:port`. The name `localhost` is resolved without a lookup. */
function literalTarget(target: string): { host: string; port: number } {
  const colon = target.lastIndexOf(':')
  const host = target.slice(0, colon)
  return { host: /(^|\.)localhost$/i.test(host) ? '127.0.0.1' : host, port: Number(target.slice(colon + 1)) }
}

/** The process's environment variables that managed pipelines may read, for the threads they run in. */
export function grantedEnvironment(
  grants: readonly Grant[],
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  // The time zone only determines how times are formatted, and reveals nothing else.
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => name === 'TZ' || isGranted(grants, 'environment', name)),
  )
}
