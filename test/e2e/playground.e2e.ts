// The playground as a newcomer meets it: one command, everything there, gone without a trace.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { consume, freePorts, produce, program, startProgram } from './support.ts'

test('it says where everything is, leaves nothing behind and stops cleanly', async () => {
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

test('a taken port is told with the flag that changes it', async t => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const { port } = other.address() as { port: number }
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

test('an unknown flag is told with the one that was meant', () => {
  const { status, stderr } = spawnSync(program, ['playground', '-kafkaprot', '1'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /there is no flag -kafkaprot; did you mean -kafkaPort\?/)
  const help = spawnSync(program, ['playground', '-help'], { encoding: 'utf8' })
  assert.equal(help.status, 0)
  assert.match(help.stdout, /-kafkaPort \(default 9092\)/)
})
