import assert from 'node:assert/strict'
import test from 'node:test'
import { AgentCluster } from '../agent/index.ts'
import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { localLogConfig } from '../broker/index.ts'
import { openSqliteMetadata } from '../metadata/index.ts'
import { openStore } from '../storage/index.ts'
import { type AgentOptions, type Closers, closeAll } from './agent-parts.ts'
import { agentFlags } from './commands.ts'
import { flagValues } from './flags.ts'
import { startKafka } from './kafka-port.ts'

/** The metadata calls of an agent with these roles while it starts, does a round of background work, and ends. */
async function asked(roles: AgentOptions['roles']): Promise<string[]> {
  const closers: Closers = []
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  closers.push(() => metadata.close())
  const names: string[] = []
  const watched = new Proxy(metadata, {
    get(target, name) {
      names.push(String(name))
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const options: AgentOptions = {
    host: '127.0.0.1',
    advertisedHost: '127.0.0.1',
    advertisedPort: 0,
    kafkaPort: 0,
    sharedKafkaPort: 0,
    kafkaSecurity: flagValues(agentFlags, new Map(), {}),
    httpPort: 0,
    pipelinesPort: 0,
    roles,
    agentGroup: '',
    pipelineGrants: [],
    managedPipelinesGroupName: '',
    availabilityZone: '',
    objectDeletionDryRun: false,
    pipelineMemoryMb: 64,
    log: nullLog,
  }
  const core = {
    metadata: watched,
    store: await openStore('mem://'),
    clock: systemClock,
    logConfig: { ...localLogConfig, housekeepingIntervalMs: 1 },
    nodeId: 1,
    instanceId: undefined,
    groupInitialRebalanceDelayMs: 0,
  }
  const self = { nodeId: 1, host: '127.0.0.1', port: 9092, roles, group: '', zone: '', isDraining: false }
  await startKafka(options, core, closers, core.store, () => new AgentCluster(self))
  // Each round of background work begins with this call: at the second one, the first round is over.
  while (names.filter(name => name === 'renewEpoch').length < 2) await systemClock.sleep(1)
  await closeAll(closers)
  return ['closedEpochs', 'deadObjects', 'mergeCandidates'].filter(name => names.includes(name))
}

test('an agent without the jobs role does no background work', async () => {
  assert.deepEqual(await asked(['proxy', 'jobs']), ['closedEpochs', 'deadObjects', 'mergeCandidates'])
  assert.deepEqual(await asked(['proxy', 'pipelines']), [])
})
