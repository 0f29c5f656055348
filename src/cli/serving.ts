// Shared by the commands that serve.
import { networkInterfaces } from 'node:os'
import process from 'node:process'
import { type Log, reachableHost } from '../base/index.ts'
import { createLog, severityOf } from '../engine/index.ts'
import { allGrants, type Grant, GrantError, readGrants } from '../host/index.ts'
import { DataFolderError } from './data-folder.ts'
import { FlagError } from './flags.ts'
import { ListenError } from './listen.ts'

/**
 * Runs a server until it is asked to stop; errors that users can fix are printed without a stack. Resolves to the exit
 * code.
 */
export async function serve(name: string, run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof FlagError || error instanceof ListenError || error instanceof DataFolderError)) throw error
    const hint = error instanceof FlagError ? `; penstock ${name} -help lists all flags` : ''
    process.stderr.write(`penstock ${name}: ${error.message}${hint}\n`)
    return 1
  }
}

/**
 * How long a program may take to close, in ms, in addition to draining: less than the 30 s after which Kubernetes kills
 * it.
 */
export const closeTimeoutMs = 25_000

/** Waits for the first signal and stops gracefully; a second one, or the timeout, ends the process immediately. */
export function untilStopped(close: () => Promise<void>, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let isStopping = false
    const onSignal = () => {
      if (isStopping) process.exit(130)
      isStopping = true
      process.stdout.write('\nStopping …\n')
      const timer = setTimeout(() => {
        process.stderr.write(`penstock: not everything stopped within ${timeoutMs / 1000} s\n`)
        process.exit(1)
      }, timeoutMs)
      close()
        .then(() => resolve(0), reject)
        .finally(() => clearTimeout(timer))
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

/**
 * Ends the process immediately, because a graceful stop is impossible: the supervisor restarts the process, which
 * recovers as after a crash.
 */
export function endOnLoss(log: Log): (reason: Error) => void {
  return reason => {
    log.fatal('the process ends, because it cannot go on', { error: reason.message })
    process.exit(1)
  }
}

export function grantsOf({
  pipelinesGrant,
  enablePipelinesHostAccess,
}: {
  readonly pipelinesGrant: string
  readonly enablePipelinesHostAccess: boolean
}): readonly Grant[] {
  if (enablePipelinesHostAccess) return allGrants
  try {
    return readGrants(pipelinesGrant)
  } catch (error) {
    if (!(error instanceof GrantError)) throw error
    throw new FlagError(`-pipelinesGrant: ${error.message}`, { cause: error })
  }
}

/**
 * Other machines cannot connect to the unspecified address: it becomes the first one that is reachable from outside.
 */
export function externalHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return reachableHost(host)
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? reachableHost(host)
}

/** Without the brackets of an IPv6 address in URLs. An empty text would mean all addresses, which must be explicit. */
export function addressOf(bindAddress: string): string {
  const address = bindAddress.replace(/^\[(.*)\]$/, '$1')
  if (address === '')
    throw new FlagError('-bindAddress needs an address; use 0.0.0.0 for all IPv4 addresses of this machine')
  return address
}

/** The host name given to Kafka clients on this machine. */
export function localHostOf(override: string, host: string): string {
  return override === '' ? reachableHost(host) : override
}

export function standardErrorLog(level: string): Log {
  if (!['debug', 'info', 'warn', 'error', 'trace', 'off'].includes(level) || severityOf(level) < 0)
    throw new FlagError(`-logLevel has to be debug, info, warn or error, not ${JSON.stringify(level)}`)
  const format = {
    level,
    format: 'logfmt',
    add_timestamp: true,
    level_name: 'level',
    timestamp_name: 'time',
    message_name: 'msg',
    static_fields: {},
  }
  return createLog(
    format,
    line => process.stderr.write(line.endsWith('\n') ? line : `${line}\n`),
    () => Date.now(),
  )
}
