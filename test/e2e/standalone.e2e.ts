// What was acknowledged is there after the process was killed at any moment: records, offsets, pipelines, versions,
// states.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { Api, consume, eventually, freePorts, produce, program, type Started, startProgram } from './support.ts'

/** How often it is killed; `PENSTOCK_KILLS=50` for a thorough run. */
const kills = Number(process.env['PENSTOCK_KILLS'] ?? 3)

const parent = mkdtempSync(join(tmpdir(), 'penstock-standalone-'))
after(() => rmSync(parent, { recursive: true, force: true }))

const start = (folder: string) => startProgram(['standalone', `-dataDir=${join(parent, folder)}`, ...freePorts])

const steady = `# kept as typed
input:
  generate:
    interval: 20ms
    mapping: root = counter()
output:
  kafka_franz_warpstream:
    topic: steady
warpstream:
  cluster_concurrency_target: 1
`

test(`loses nothing when killed ${kills} times`, async () => {
  const acknowledged: string[] = []
  let committed = 0
  let server = await start('killed')
  let api = await Api.connect(server)
  const running = await api.createPipeline('steady', steady)
  const paused = await api.createPipeline('paused', steady, 'paused')
  const second = await paused.save(steady.replace('steady', 'other'))
  await paused.change({ deployed_configuration_id: second })
  const once = await api.createPipeline('once', oneRecord('once'))
  await once.until('it is completed', ({ health }) => health === 'completed')
  const before = {
    key: server.apiKey,
    pipelines: await api.call('list_pipelines', { virtual_cluster_id: api.clusterId }),
    versions: await api.call('describe_pipeline', paused.ids),
  }

  for (let kill = 0; kill < kills; kill++) {
    await running.until('it runs', ({ health }) => health === 'running')
    const end = await endOffset(api, 'steady')
    await eventually(
      'it writes',
      () => endOffset(api, 'steady'),
      now => now > end,
    )
    const producing = produceUntilKilled(server, kill, acknowledged)
    if (acknowledged.length > committed) {
      const [record] = await consume(server.kafkaAddress, 'acknowledged', 1, 'group')
      assert.equal(Number(record!.offset), committed, 'the group goes on where it had committed')
      committed++
    }
    await new Promise(resolve => setTimeout(resolve, 100 + Math.random() * 900))
    assert.equal(await server.stop('SIGKILL'), 'SIGKILL')
    await producing

    server = await start('killed')
    api = await Api.connect(server)
    running.useApi(api)
    once.useApi(api)
    assert.equal(server.apiKey, before.key)
    assert.deepEqual(await api.call('list_pipelines', { virtual_cluster_id: api.clusterId }), before.pipelines)
    assert.deepEqual(await api.call('describe_pipeline', paused.ids), before.versions)
    await assertAllThere(server, acknowledged)
  }
  await running.until('it runs on', ({ health }) => health === 'running')
  await once.until('what was at its end did not begin again', ({ health }) => health === 'completed')
  assert.equal(await server.stop('SIGTERM'), 0)

  server = await start('killed')
  api = await Api.connect(server)
  running.useApi(api)
  once.useApi(api)
  await running.until('it runs on after a stop, too', ({ health }) => health === 'running')
  assert.equal((await once.status()).health, 'completed')
  assert.equal(await endOffset(api, 'once'), 1)
  assert.equal(await server.stop('SIGTERM'), 0)
})

test('a data folder belongs to one process', async () => {
  const server = await start('taken')
  const second = spawnSync(program, ['standalone', `-dataDir=${join(parent, 'taken')}`, ...freePorts], {
    encoding: 'utf8',
  })
  assert.equal(second.status, 1)
  assert.match(second.stderr, new RegExp(`is in use by another process \\(process ${server.child.pid}\\)`))
  assert.equal(await server.stop(), 0)
})

test('a message in a sleep when the process stops is read again afterwards', async () => {
  let server = await start('sleeping')
  let api = await Api.connect(server)
  await produce(server.kafkaAddress, 'held', ['one'])
  const pipeline = await api.createPipeline('sleeping', carry('held', 'carried', '1h'))
  await pipeline.until('it has the message', ({ counters }) => counters.input_received === 1)
  assert.equal(await server.stop('SIGINT'), 0)
  assert.equal(server.stderr(), '')

  server = await start('sleeping')
  api = await Api.connect(server)
  pipeline.useApi(api)
  await pipeline.change({ deployed_configuration_id: await pipeline.save(carry('held', 'carried', '1ms')) })
  const [record] = await consume(server.kafkaAddress, 'carried', 1)
  assert.equal(record?.value, 'one')
  assert.equal(await server.stop('SIGINT'), 0)
})

test('when the metadata thread ends, the process reports it and exits, and the next process has all data', async () => {
  // Nothing from outside can end a single thread, so the program is started with a module that does.
  const killer = join(parent, 'killer.mjs')
  writeFileSync(
    killer,
    `import process from 'node:process'
process.on('worker', worker => {
  if (worker.threadName === 'metadata') process.on('SIGUSR2', () => void worker.terminate())
})`,
  )
  const args = ['standalone', `-dataDir=${join(parent, 'lost')}`, ...freePorts]
  const server = await startProgram(args, { NODE_OPTIONS: `--import=${pathToFileURL(killer).href}` })
  const acknowledged: string[] = []
  const producing = produceUntilKilled(server, 0, acknowledged)
  await eventually(
    'records arrive',
    async () => acknowledged.length,
    count => count > 50,
  )
  assert.equal(await server.stop('SIGUSR2'), 1)
  await producing
  const lines = server.stderr().trim().split('\n')
  assert.equal(lines.length, 1, server.stderr())
  assert.match(lines[0]!, /level=fatal .*error="the metadata is lost: /)
  const next = await start('lost')
  await assertAllThere(next, acknowledged)
  assert.equal(await next.stop('SIGTERM'), 0)
})

function carry(from: string, to: string, sleep: string): string {
  return `input:
  kafka_franz_warpstream:
    topics: [ ${from} ]
    consumer_group: carriers
pipeline:
  processors:
    - sleep: { duration: ${sleep} }
output:
  kafka_franz_warpstream:
    topic: ${to}
`
}

function oneRecord(topic: string): string {
  return `input:\n  generate:\n    count: 1\n    interval: ""\n    mapping: root = "x"\noutput:\n  kafka_franz_warpstream:\n    topic: ${topic}\n`
}

async function endOffset(api: Api, topic_name: string): Promise<number> {
  const { topics } = await api.call('list_topics', { virtual_cluster_id: api.clusterId })
  return topics.find(topic => topic.topic_name === topic_name)?.record_count ?? 0
}

/** Produces records, three at a time, and notes those that were acknowledged. */
async function produceUntilKilled(server: Started, kill: number, acknowledged: string[]): Promise<void> {
  const producer = new Producer({
    clientId: 'e2e',
    bootstrapBrokers: [server.kafkaAddress],
    serializers: stringSerializers,
    autocreateTopics: true,
    retries: 0,
    connectTimeout: 1000,
  })
  const lane = async (name: string) => {
    for (let number = 0; server.child.exitCode === null && server.child.signalCode === null; number++) {
      const value = `${kill}/${name}/${number}`
      try {
        await producer.send({ messages: [{ topic: 'acknowledged', value }] })
        acknowledged.push(value)
      } catch {
        return // the server is gone; whether it has the record is unknown
      }
    }
  }
  await Promise.all(['a', 'b', 'c'].map(lane))
  await producer.close(true).catch(() => undefined)
}

async function assertAllThere(server: Started, acknowledged: readonly string[]): Promise<void> {
  const api = await Api.connect(server)
  const count = await endOffset(api, 'acknowledged')
  assert.ok(count >= acknowledged.length, `${count} records of at least ${acknowledged.length}`)
  const records = await consume(server.kafkaAddress, 'acknowledged', count)
  const offsets = records.map(({ offset }) => Number(offset))
  assert.deepEqual(
    offsets,
    offsets.map((_, index) => index),
    'offsets have no gap and none comes twice',
  )
  const there = new Set(records.map(({ value }) => value))
  const lost = acknowledged.filter(value => !there.has(value))
  assert.deepEqual(lost, [])
}
