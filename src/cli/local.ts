import process from 'node:process'
import type { Log } from '../base/index.ts'
import { createLog, severityOf } from '../engine/index.ts'
import { allGrants, type Grant, GrantError, readGrants } from '../host/index.ts'
import { type DataFolder, DataFolderError, takeDataFolder } from './data-folder.ts'
import type { localFlags } from './commands.ts'
import { FlagError, type FlagValues } from './flags.ts'
import { ListenError } from './listen.ts'
import { type Stack, startStack } from './stack.ts'

const closeTimeoutMs = 15_000

type LocalFlags = FlagValues<typeof localFlags>

/** Runs a playground or a standalone server until it is asked to stop. Resolves to the exit code. */
export async function runLocal(
  name: 'playground' | 'standalone',
  flags: LocalFlags,
  dataDir: string | null,
): Promise<number> {
  const startedAt = performance.now()
  let folder: DataFolder | null = null
  try {
    if (dataDir !== null) folder = takeDataFolder(dataDir)
    const stack = await startStack({ ...stackOptions(flags), folder })
    const readyMs = Math.round(performance.now() - startedAt)
    process.stdout.write(welcome(name, stack, folder, readyMs))
    return await untilStopped(stack)
  } catch (error) {
    if (!(error instanceof FlagError || error instanceof ListenError || error instanceof DataFolderError)) throw error
    const hint = error instanceof FlagError ? `; penstock ${name} -help lists all flags` : ''
    process.stderr.write(`penstock ${name}: ${error.message}${hint}\n`)
    return 1
  } finally {
    folder?.release()
  }
}

function stackOptions(flags: LocalFlags): Omit<Parameters<typeof startStack>[0], 'folder'> {
  const log = standardErrorLog(flags.logLevel)
  return {
    host: addressOf(flags.bindAddress),
    advertisedHost: flags.discoveryKafkaHostnameOverride,
    kafkaPort: flags.kafkaPort,
    kafkaSecurity: flags,
    httpPort: flags.httpPort,
    pipelinesPort: flags.pipelinesPort,
    consolePort: flags.consolePort,
    enableManagedPipelines: flags.enableManagedPipelines,
    pipelineGrants: flags.enablePipelinesHostAccess ? allGrants : grantsOf(flags.pipelinesGrant),
    managedPipelinesGroupName: flags.managedPipelinesGroupName,
    availabilityZone: flags.availabilityZone,
    pipelineMemoryMb: 512,
    log,
    // At once, for nothing could be brought to its end in order: whoever looks after the process starts it again, and finds
    // everything as after a crash.
    onLost: reason => {
      log.fatal('the process ends, because it cannot go on', { error: reason.message })
      process.exit(1)
    },
  }
}

function grantsOf(text: string): readonly Grant[] {
  try {
    return readGrants(text)
  } catch (error) {
    if (!(error instanceof GrantError)) throw error
    throw new FlagError(`-pipelinesGrant: ${error.message}`, { cause: error })
  }
}

/** Without the brackets that an IPv6 address has in URLs. Nothing would mean all addresses, which has to be meant. */
function addressOf(bindAddress: string): string {
  const address = bindAddress.replace(/^\[(.*)\]$/, '$1')
  if (address === '') throw new FlagError('-bindAddress needs an address; 0.0.0.0 stands for all of this machine')
  return address
}

function standardErrorLog(level: string): Log {
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

function welcome(name: string, stack: Stack, folder: DataFolder | null, readyMs: number): string {
  const kept =
    folder === null ? 'Nothing is kept: everything is gone when it stops.' : `Everything is kept in ${folder.path}.`
  return [
    `Penstock ${name} is ready (${readyMs} ms). ${kept}`,
    '',
    `  Console     ${stack.consoleUrl}`,
    `  Kafka       ${stack.kafkaAddress}`,
    `  Agent       ${stack.agentUrl}/v1/status`,
    ...(stack.pipelinesUrl === undefined ? [] : [`  Pipelines   ${stack.pipelinesUrl}`]),
    '',
    `  export WARPSTREAM_API_URL=${stack.apiUrl}`,
    `  export WARPSTREAM_API_KEY=${stack.apiKey}`,
    '',
    'Press Ctrl-C to stop.',
    '',
  ].join('\n')
}

/** Waits for the first signal and stops in order; the second one, or too long a time, ends the process at once. */
function untilStopped(stack: Stack): Promise<number> {
  return new Promise((resolve, reject) => {
    let isStopping = false
    const onSignal = () => {
      if (isStopping) process.exit(130)
      isStopping = true
      process.stdout.write('\nStopping …\n')
      const timer = setTimeout(() => {
        process.stderr.write(`penstock: not everything stopped within ${closeTimeoutMs / 1000} s\n`)
        process.exit(1)
      }, closeTimeoutMs)
      stack
        .close()
        .then(() => resolve(0), reject)
        .finally(() => clearTimeout(timer))
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
