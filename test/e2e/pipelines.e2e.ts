// Managed pipelines over the API, as curl and Terraform use them, and what happens to those that misbehave.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Api, consume, eventually, freePorts, produce, type Started, startProgram } from './support.ts'

let playground: Started
let api: Api

before(async () => {
  playground = await startProgram(['playground', ...freePorts])
  api = await Api.connect(playground)
})

after(async () => {
  assert.equal(await playground.stop(), 0, playground.stderr())
})

const generator = (topic: string) => `input:
  generate:
    count: 1000
    interval: 100ms
    mapping: |
      root = if random_int() % 2 == 0 {
        { "type": "foo", "foo": "xyz" }
      } else {
        { "type": "bar", "bar": "abc" }
      }
output:
  kafka_franz_warpstream:
    topic: "${topic}"   # as typed
warpstream:
  cluster_concurrency_target: 1
`

async function topicNames(): Promise<string[]> {
  const { topics } = await api.call('list_topics', { virtual_cluster_id: api.clusterId })
  return topics.map(({ topic_name }) => topic_name)
}

describe('from the first save to a rollback', () => {
  test('versions are saved, deployed, rolled back and paused', async () => {
    const pipeline = await api.createPipeline('walk', generator('bento_test'), 'paused')
    const saved = await api.call('describe_pipeline', pipeline.ids)
    assert.equal(saved.pipeline_overview.state, 'paused')
    assert.equal(saved.pipeline_configurations[0]!.configuration_yaml, generator('bento_test'))
    const version0 = saved.pipeline_configurations[0]!.id
    assert.equal(saved.pipeline_overview.deployed_configuration_id, version0)

    await pipeline.change({ desired_state: 'running' })
    await pipeline.until('it runs', ({ health }) => health === 'running')
    const records = await consume(playground.kafkaAddress, 'bento_test', 3)
    for (const { value } of records) assert.match(value!, /"type":"(foo|bar)"/)
    const shown = await api.call('read_topic_messages', {
      virtual_cluster_id: api.clusterId,
      topic_name: 'bento_test',
      limit: 2,
    })
    assert.equal(shown.records.length, 2)
    assert.equal(shown.records[0]!.value!.encoding, 'utf8')

    const version1 = await pipeline.save(generator('bento_test_2'))
    const both = await pipeline.status()
    assert.deepEqual([both.deployed_version, both.latest_version], [0, 1])
    assert.ok(!(await topicNames()).includes('bento_test_2'))

    await pipeline.change({ deployed_configuration_id: version1 })
    await pipeline.until(
      'version 1 runs',
      ({ instances }) => instances[0]?.version === 1 && instances[0].state === 'running',
    )
    await eventually('its topic is there', topicNames, names => names.includes('bento_test_2'))

    await pipeline.change({ deployed_configuration_id: version0 })
    await pipeline.until(
      'version 0 runs',
      ({ instances }) => instances[0]?.version === 0 && instances[0].state === 'running',
    )

    await pipeline.change({ desired_state: 'paused' })
    const paused = await pipeline.until('nothing runs', ({ instances }) => instances.length === 0)
    assert.equal(paused.health, 'paused')
    const at = async () => {
      const { topics } = await api.call('list_topics', { virtual_cluster_id: api.clusterId })
      return topics.filter(({ is_internal }) => !is_internal).map(({ record_count }) => record_count)
    }
    const counts = await at()
    await new Promise(resolve => setTimeout(resolve, 500))
    assert.deepEqual(await at(), counts)
    // The counts match the topics exactly.
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      paused.counters.output_sent,
    )
  })

  test('an invalid configuration is refused with line and column, and nothing changes', async () => {
    const pipeline = await api.createPipeline('refused', generator('refused'), 'paused')
    const before = await api.call('describe_pipeline', pipeline.ids)
    const cases: [yaml: string, line: number, column: number, message: RegExp][] = [
      ['input:\n  generate:\n    mapping: root = 1\n    intervall: 1s\noutput:\n  drop: {}\n', 4, 5, /intervall/],
      ['input:\n  nonsense: {}\noutput:\n  drop: {}\n', 2, 3, /nonsense|infer/],
      ['input:\n  generate:\n    mapping: root = 1\noutput:\n  drop: {}\nwarpstream:\n  target: 1\n', 7, 3, /target/],
      ['input:\n  generate:\n    mapping: "root = "\noutput:\n  drop: {}\n', 3, 22, /expected/],
      ['input: [\noutput: {}\n', 2, 1, /./],
    ]
    for (const [configuration_yaml, line, column, message] of cases) {
      const { status, text } = await api.post('create_pipeline_configuration', { ...pipeline.ids, configuration_yaml })
      assert.equal(status, 400, text)
      const { code, findings } = JSON.parse(text)
      assert.equal(code, 'invalid_pipeline_configuration')
      assert.match(findings[0].message, message)
      assert.deepEqual([findings[0].line, findings[0].column], [line, column], text)
    }
    assert.deepEqual(await api.call('describe_pipeline', pipeline.ids), before)
  })

  test('a pipeline reads from one topic and writes to another, and its group is shown', async () => {
    await produce(playground.kafkaAddress, 'words', ['one', 'two', 'three'])
    const pipeline = await api.createPipeline(
      'capitals',
      `input:
  kafka_franz_warpstream:
    topics: [ "words" ]
    consumer_group: "capitals"
    commit_period: 200ms
  processors:
    - mapping: "root = content().uppercase()"
output:
  kafka_franz_warpstream:
    topic: "words_capitalized"
`,
    )
    // The consumer waits only briefly for a topic that does not exist yet.
    await pipeline.until('it has written', ({ counters }) => counters.output_sent === 3)
    const records = await consume(playground.kafkaAddress, 'words_capitalized', 3)
    assert.deepEqual(
      records.map(({ value }) => value),
      ['ONE', 'TWO', 'THREE'],
    )
    const group = { virtual_cluster_id: api.clusterId, consumer_group_id: 'capitals' }
    const described = await eventually(
      'the group has caught up',
      () => api.call('describe_consumer_group', group),
      ({ partitions }) => partitions[0]?.committed_offset === 3,
    )
    assert.deepEqual([described.state, described.lag, described.members.length], ['Stable', 0, 1])
  })

  test('a stream that reaches its end is completed, and runs again only on its schedule', async () => {
    const once = `input:\n  generate:\n    count: 3\n    interval: ""\n    mapping: root = "x"\noutput:\n  kafka_franz_warpstream:\n    topic: once\n`
    const pipeline = await api.createPipeline('once', once)
    await pipeline.until('it is completed', ({ health }) => health === 'completed')
    assert.equal((await pipeline.status()).counters.output_sent, 3)
    const again = await api.createPipeline(
      'again',
      `${once.replace('topic: once', 'topic: again')}warpstream:\n  scheduling:\n    run_every: 300ms\n`,
    )
    await again.until('it ran three times', ({ counters }) => counters.output_sent >= 9)
    await again.change({ desired_state: 'paused' })
  })

  test('an http_server input is reachable through the pipelines port', async () => {
    await api.createPipeline(
      'http',
      `input:\n  http_server:\n    path: /post\noutput:\n  kafka_franz_warpstream:\n    topic: posted\n`,
    )
    const post = (path: string) => () =>
      fetch(`${playground.pipelinesUrl}${path}`, { method: 'POST', body: `to ${path}` }).then(({ status }) => status)
    await eventually('the endpoint is there', post('/post'), status => status === 200)
    await eventually('also below its name', post('/http/post'), status => status === 200)
    const records = await consume(playground.kafkaAddress, 'posted', 2)
    assert.deepEqual(
      records.map(({ value }) => value),
      ['to /post', 'to /http/post'],
    )
  })
})

describe('pipelines that misbehave', () => {
  const misbehaving: [name: string, yaml: string, error: RegExp][] = [
    [
      'cannot-start',
      'input:\n  generate:\n    mapping: root = 1\n    interval: ""\noutput:\n  resource: nowhere\n',
      /nowhere/,
    ],
    [
      'out-of-memory',
      'input:\n  generate:\n    mapping: root = "x"\n    interval: ""\n    count: 1\npipeline:\n  processors:\n    - mapping: |\n        root = range(0, 4000000).map_each(i -> {"number": i, "text": "%v at %v".format(i, now())})\noutput:\n  drop: {}\n',
      /memory/,
    ],
    [
      'endless-loop',
      'input:\n  generate:\n    mapping: root = "x"\n    interval: ""\n    count: 1\npipeline:\n  processors:\n    - while:\n        check: "true"\n        processors:\n          - mapping: root = content().string()\noutput:\n  drop: {}\n',
      /respond/,
    ],
  ]
  for (const [name, yaml, error] of misbehaving) {
    test(`${name}: it is stopped, reported and retried, without effect on Kafka traffic`, async t => {
      const pipeline = await api.createPipeline(name, yaml)
      const produced = produceMeanwhile(name)
      t.after(() => produced())
      const failing = await pipeline.until(
        'it is failing',
        ({ instances }) =>
          instances[0]?.error != null && (instances[0].restarts > 0 || instances[0].next_start_at !== null),
      )
      assert.match(failing.instances[0]!.error!.message, error)
      await pipeline.change({ desired_state: 'paused' })
      await pipeline.until('it is stopped', ({ instances }) => instances.length === 0)
      const { lines } = await api.call('read_pipeline_logs', pipeline.ids)
      assert.ok(lines.some(({ level }) => level === 'error'))
      assert.ok((await produced()) > 5)
    })
  }
})

const failing: [name: string, yaml: string, explanation: RegExp][] = [
  [
    'undeliverable',
    'input:\n  generate:\n    interval: 100ms\n    mapping: root = "x"\noutput:\n  reject: not today\n',
    /no message has been delivered/,
  ],
  [
    'unmappable',
    'input:\n  generate:\n    interval: 100ms\n    mapping: root = "x"\npipeline:\n  processors:\n    - mapping: root = throw("not today")\noutput:\n  kafka_franz_warpstream:\n    topic: unmappable\n',
    /processors failed/,
  ],
]
for (const [name, yaml, explanation] of failing) {
  test(`${name}: a pipeline whose every message fails is running and failing`, async () => {
    const pipeline = await api.createPipeline(name, yaml)
    const status = await pipeline.until('it is failing', ({ health }) => health === 'failing')
    assert.match(status.explanation!, explanation)
    assert.equal(status.instances[0]!.state, 'running')
    await pipeline.change({ desired_state: 'paused' })
  })
}

/** Produces records one by one; calling the returned function stops it and returns how many were delivered. */
function produceMeanwhile(topic: string): () => Promise<number> {
  let isDone = false
  const loop = async () => {
    let records = 0
    while (!isDone) {
      await produce(playground.kafkaAddress, `beside-${topic}`, ['x'])
      records++
    }
    return records
  }
  const running = loop()
  return () => {
    isDone = true
    return running
  }
}
