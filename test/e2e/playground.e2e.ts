// The playground as a new user sees it: one command, everything there, gone without a trace.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { test } from 'node:test'
import { Api, consume, freePorts, produce, program, startProgram } from './support.ts'
import { portOf } from '../servers/ports.ts'

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
const noIpv6 = hasIpv6 ? false : 'this machine has no ::1'

test('prints all addresses, leaves nothing behind and stops cleanly', async () => {
  const playground = await startProgram(['playground', ...freePorts])
  const bucket = readdirSync(tmpdir()).find(name => name.startsWith(`penstock-playground-${playground.child.pid}-`))
  assert.ok(bucket !== undefined)

  const page = await fetch(playground.consoleUrl)
  assert.ok(page.headers.get('content-security-policy') !== null)
  assert.equal(await (await fetch(`${playground.agentUrl}/v1/status`)).text(), 'OK')
  assert.match(await (await fetch(`${playground.agentUrl}/metrics`)).text(), /^warpstream_agent_memory_bytes \d+$/m)
  assert.equal(await (await fetch(`${playground.pipelinesUrl}/ping`)).text(), 'pong')
  await produce(playground.kafkaAddress, 'hello', ['a', 'b'])
  const records = await consume(playground.kafkaAddress, 'hello', 2)
  assert.deepEqual(
    records.map(({ value }) => value),
    ['a', 'b'],
  )

  assert.equal(await playground.stop('SIGINT'), 0)
  assert.ok(!readdirSync(tmpdir()).includes(bucket))
  assert.equal(playground.stderr(), '')
})

test('reports a port in use with the flag that changes it', async t => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const port = portOf(other)
  for (const flag of ['kafkaPort', 'httpPort', 'pipelinesPort', 'consolePort']) {
    const ports = freePorts.map(text => (text === `-${flag}=0` ? `-${flag}=${port}` : text))
    const { status, stderr } = spawnSync(program, ['playground', ...ports], { encoding: 'utf8' })
    assert.equal(status, 1)
    assert.equal(
      stderr,
      `penstock playground: port ${port} is taken: choose another one with -${flag} (0 takes a free one)\n`,
    )
  }
})

test('reports the address of another machine with the flag that changes it', () => {
  const run = (address: string) =>
    spawnSync(program, ['playground', `-bindAddress=${address}`, ...freePorts], { encoding: 'utf8' })
  // An address reserved for documentation (RFC 5737), and a name that cannot exist (RFC 6761).
  const other = run('192.0.2.1')
  assert.equal(other.status, 1)
  assert.match(
    other.stderr,
    /^penstock playground: 192\.0\.2\.1 is not an address of this machine: .*-bindAddress.*\n$/,
  )
  const unknown = run('nowhere.invalid')
  assert.equal(unknown.status, 1)
  assert.match(unknown.stderr, /^penstock playground: the address "nowhere\.invalid" is not found: .*-bindAddress.*\n$/)
})

test('on an IPv6 address all printed URLs work, including that of pipelines', { skip: noIpv6 }, async () => {
  const playground = await startProgram(['playground', '-bindAddress=::1', ...freePorts])
  assert.match(playground.kafkaAddress, /^\[::1\]:\d+$/)
  assert.ok((await fetch(playground.consoleUrl)).ok)
  assert.equal(await (await fetch(`${playground.agentUrl}/v1/status`)).text(), 'OK')
  assert.equal(await (await fetch(`${playground.pipelinesUrl}/ping`)).text(), 'pong')
  const api = await Api.connect(playground)
  const pipeline = await api.createPipeline(
    'six',
    'input:\n  generate:\n    count: 1\n    interval: ""\n    mapping: root = "x"\noutput:\n  kafka_franz_warpstream:\n    topic: six\n',
  )
  await pipeline.until('it is completed', ({ health }) => health === 'completed')
  const { topics } = await api.call('list_topics', { virtual_cluster_id: api.clusterId })
  assert.deepEqual(
    topics.map(({ topic_name, record_count }) => [topic_name, record_count]),
    [['six', 1]],
  )
  assert.equal(await playground.stop('SIGINT'), 0)
})

test('an unknown flag is reported with the closest match', () => {
  const { status, stderr } = spawnSync(program, ['playground', '-kafkaprot', '1'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /flag provided but not defined: -kafkaprot; did you mean -kafkaPort\?/)
  const help = spawnSync(program, ['playground', '-help'], { encoding: 'utf8' })
  assert.equal(help.status, 0)
  assert.match(help.stdout, /-kafkaPort \(default 9092\)/)
})
