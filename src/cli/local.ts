import process from 'node:process'
import type { localFlags } from './commands.ts'
import { checkMetadataThere, type DataFolder, takeDataFolder } from './data-folder.ts'
import type { FlagValues } from './flags.ts'
import {
  addressOf,
  closeTimeoutMs,
  endOnLoss,
  grantsOf,
  localHostOf,
  serve,
  standardErrorLog,
  untilStopped,
} from './serving.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'

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
    return await serve(name, async () => {
      if (dataDir !== null) folder = takeDataFolder(dataDir)
      if (folder !== null) checkMetadataThere(folder)
      const stack = await startStack({ ...stackOptions(flags), folder })
      const readyMs = Math.round(performance.now() - startedAt)
      process.stdout.write(welcome(name, stack, folder, readyMs))
      return await untilStopped(() => stack.close(), closeTimeoutMs)
    })
  } finally {
    releaseFolder(folder)
  }
}

function releaseFolder(folder: DataFolder | null): void {
  folder?.release()
}

function stackOptions(flags: LocalFlags): Omit<StackOptions, 'folder'> {
  const log = standardErrorLog(flags.logLevel)
  const host = addressOf(flags.bindAddress)
  return {
    host,
    advertisedHost: localHostOf(flags.discoveryKafkaHostnameOverride, host),
    advertisedPort: 0,
    kafkaPort: flags.kafkaPort,
    sharedKafkaPort: 0,
    kafkaSecurity: flags,
    httpPort: flags.httpPort,
    pipelinesPort: flags.pipelinesPort,
    consolePort: flags.consolePort,
    roles: ['proxy', 'jobs', ...(flags.enableManagedPipelines ? (['pipelines'] as const) : [])],
    agentGroup: '',
    pipelineGrants: grantsOf(flags),
    managedPipelinesGroupName: flags.managedPipelinesGroupName,
    availabilityZone: flags.availabilityZone,
    objectDeletionDryRun: flags.objectDeletionDryRun,
    pipelineMemoryMb: 512,
    log,
    onLost: endOnLoss(log),
  }
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
