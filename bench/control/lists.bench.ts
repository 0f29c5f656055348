// Does reading lists of many pipelines disturb Kafka clients? Fills a data folder with PIPELINES (1000) pipelines of
// VERSIONS (50) versions of KILOBYTES (4) each, starts a standalone server on it, and prints how long the list of
// statuses, the overview and a description take, and a metadata request and an acknowledged produce, concurrently and
// alone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { takeDataFolder } from '../../src/cli/data-folder.ts'
import { defaultSettings } from '../../src/control/configuration/settings.ts'
import { ControlPlane } from '../../src/control/index.ts'
import * as store from '../../src/control/store/store.ts'
import { openSqlite } from '../../src/database/index.ts'
import { apis, writeRecords } from '../../src/kafka/index.ts'
import { Api, freePorts, startProgram } from '../../test/e2e/support.ts'
import { WireClient } from '../broker/wire-client.ts'

const pipelines = Number(process.env['PIPELINES'] ?? 1000)
const versions = Number(process.env['VERSIONS'] ?? 50)
const kilobytes = Number(process.env['KILOBYTES'] ?? 4)
const seconds = Number(process.env['SECONDS'] ?? 15)

const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-control-'))
try {
  await fill(folder)
  await measure(folder)
} finally {
  rmSync(folder, { recursive: true })
}

async function fill(path: string): Promise<void> {
  const data = takeDataFolder(path)
  const database = await openSqlite({ path: data.control })
  const plane = await ControlPlane.open({
    database,
    sealingKey: data.sealingKey,
    lint: async () => ({ findings: [], settings: defaultSettings }),
    jsonSchema: async () => ({}),
    version: '0.0.0',
    isEphemeral: false,
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
  })
  const { cluster } = await plane.ensureDefaultCluster()
  const stream = 'input:\n  generate:\n    mapping: root = 1\noutput:\n  drop: {}\n'
  const yaml = `${stream}${'# a line of a configuration that somebody wrote\n'.repeat((kilobytes * 1024) / 48)}`
  for (let index = 0; index < pipelines; index++) {
    const id = `pi_${index}`
    await database.transaction({ kind: 'write', durable: false }, async sql => {
      const [name, createdAt] = [`pipeline-${index}`, index]
      const fixed = { type: 'bento', state: 'paused', deployedConfigurationId: `pci_${index}_0` } as const
      await store.insertPipeline(sql, { id, clusterId: cluster.id, name, createdAt, ...fixed })
      for (let version = 0; version < versions; version++) {
        const configuration = { id: `pci_${index}_${version}`, pipelineId: id, version, yaml, createdAt }
        await store.insertConfiguration(sql, { ...configuration, settings: defaultSettings })
      }
    })
  }
  await plane.close()
  await database.close()
  data.release()
}

async function measure(path: string): Promise<void> {
  const program = await startProgram(['standalone', `-dataDir=${path}`, ...freePorts])
  try {
    const api = await Api.connect(program)
    const cluster = { virtual_cluster_id: api.clusterId }
    await api.call('create_topic', { ...cluster, topic_name: 'bench', partition_count: 1 })
    const client = await WireClient.open(Number(program.kafkaAddress.split(':').at(-1)))
    const records = writeRecords([{ key: null, value: Buffer.alloc(1024) }], { timestamp: Date.now() })
    const ask = {
      list_pipeline_statuses: () => api.call('list_pipeline_statuses', cluster),
      describe_overview: () => api.call('describe_overview', cluster),
      describe_pipeline_status: () => api.call('describe_pipeline_status', { ...cluster, pipeline_id: 'pi_7' }),
    }
    const kafka = {
      'metadata (kcat -L)': () => client.call(apis.Metadata, 9, { topics: null, allowAutoTopicCreation: false }),
      'produce 1 KiB': () =>
        client.call(apis.Produce, 9, {
          acks: -1,
          timeoutMs: 30_000,
          topicData: [{ name: 'bench', partitionData: [{ index: 0, records }] }],
        }),
    }
    console.log('                                      requests       p50       p99       max')
    for (const [name, request] of Object.entries(kafka)) print(`${name}, alone`, await repeat(request, 20))
    for (const [name, request] of Object.entries(ask)) {
      const beside = Object.entries(kafka).map(async ([other, call]) => [other, await repeat(call, 20)] as const)
      print(name, await repeat(request, 50))
      for (const [other, took] of await Promise.all(beside)) print(`  ${other} beside it`, took)
    }
    client.close()
  } finally {
    await program.stop()
  }
}

/** Milliseconds that each request took, one at a time with pauses, for the duration of a measurement. */
async function repeat(request: () => Promise<unknown>, pauseMs: number): Promise<number[]> {
  const took: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const startedAt = performance.now()
    await request()
    took.push(performance.now() - startedAt)
    await new Promise(resolve => setTimeout(resolve, pauseMs))
  }
  return took
}

function print(name: string, took: readonly number[]): void {
  const sorted = took.toSorted((a, b) => a - b)
  const at = (share: number) => `${sorted[Math.ceil(sorted.length * share) - 1]!.toFixed(1)} ms`.padStart(10)
  console.log(`${name.padEnd(36)} ${String(sorted.length).padStart(9)}${at(0.5)}${at(0.99)}${at(1)}`)
}
