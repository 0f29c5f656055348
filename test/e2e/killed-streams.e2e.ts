// A stream that is killed at any moment and restarted delivers, at least once, everything that it acknowledged
// upstream: from file to file, from Kafka to Kafka and from HTTP to file, through a buffer on disk and through outputs
// that wrap others. A buffer in memory loses what it holds, as documented, and is not tested here.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../servers/ports.ts'
import { consume, eventually, freePorts, produce, program, type Started, startProgram } from './support.ts'

/** How often each stream is killed; `PENSTOCK_KILLS=50` for a thorough run. */
const kills = Number(process.env['PENSTOCK_KILLS'] ?? 1)

const parent = mkdtempSync(join(tmpdir(), 'penstock-killed-'))
after(() => rmSync(parent, { recursive: true, force: true }))

let server: Started
before(async () => {
  server = await startProgram(['standalone', `-dataDir=${join(parent, 'kafka')}`, ...freePorts])
})
after(() => server.stop())

/**
 * The output in front of the file that a stream writes. `FILE` is an output to that file, `OTHER` one to a second file.
 */
const outputs: Readonly<Record<string, string>> = {
  file: 'FILE',
  broker: '{ broker: { pattern: fan_out_sequential, outputs: [ FILE, OTHER ] } }',
  fallback: '{ fallback: [ { reject: "always" }, FILE ] }',
  retry: '{ retry: { output: FILE } }',
  switch:
    '{ switch: { cases: [ { check: "content().string().length() % 2 == 0", output: FILE }, { output: OTHER } ] } }',
  batches: '{ broker: { outputs: [ FILE ], batching: { count: 7, period: 50ms } } }',
}

const buffers = {
  none: () => '{ none: {} }',
  sqlite: (folder: string) => `{ sqlite: { path: '${join(folder, 'buffer.db')}' } }`,
}

for (const output of Object.keys(outputs)) passesHttpOn(output, 'none')
for (const output of ['file', 'switch']) passesHttpOn(output, 'sqlite')

function passesHttpOn(output: string, buffer: keyof typeof buffers): void {
  test(`from HTTP through the buffer ${buffer} to ${output}, killed ${kills} times`, async () => {
    const stream = new KilledStream()
    const port = await freePort()
    const config = `
input: { http_server: { address: '127.0.0.1:${port}', path: /in, timeout: 60s } }
buffer: ${buffers[buffer](stream.folder)}
output: ${stream.output(output)}
`
    const acknowledged: string[] = []
    let isOver = false
    const sending = ['a', 'b', 'c', 'd'].map(async lane => {
      for (let number = 0; !isOver; number++) await post(port, `${lane}-${number}`, acknowledged)
    })
    for (let kill = 0; kill < kills; kill++) {
      stream.start(config)
      const enough = acknowledged.length + 20
      await stream.until('it acknowledges', () => acknowledged.length >= enough)
      await stream.kill()
    }
    stream.start(config)
    isOver = true
    await Promise.all(sending)
    await stream.untilDelivered(acknowledged)
    await stream.kill()
  })
}

test(`from Kafka to Kafka and to files, killed ${kills} times`, async () => {
  const stream = new KilledStream()
  const values = Array.from({ length: 1000 }, (_, number) => `record-${number}`)
  await produce(server.kafkaAddress, 'killed-from', values)
  // A killed member counts as alive until its session is over.
  const group = 'consumer_group: killed, group: { session_timeout: 6s, heartbeat_interval: 1s }, commit_period: 50ms'
  const config = `
input: { kafka: { addresses: [ '${server.kafkaAddress}' ], topics: [ killed-from ], ${group} } }
pipeline: { threads: 1, processors: [ { sleep: { duration: 1ms } } ] }
output:
  broker:
    pattern: fan_out
    outputs:
      - ${stream.output('switch')}
      - kafka_franz: { seed_brokers: [ '${server.kafkaAddress}' ], topic: killed-to }
`
  for (let kill = 0; kill < kills; kill++) {
    stream.start(config)
    const size = stream.size()
    await stream.until('it delivers', () => stream.size() > size || stream.missing(values).length === 0)
    await stream.kill()
  }
  stream.start(config)
  await stream.untilDelivered(values)
  // Kafka may not have acknowledged what the files had before the last kill; then the stream sends it once more.
  await produce(server.kafkaAddress, 'killed-from', ['last'])
  await stream.untilDelivered(['last'])
  const there = new Set<string | undefined>()
  for (let count = values.length; !there.has('last'); count++) {
    for (const { value } of await consume(server.kafkaAddress, 'killed-to', count)) there.add(value)
  }
  await stream.kill()
  assert.deepEqual(
    values.filter(value => !there.has(value)),
    [],
  )
})

test(`from file to file through a buffer on disk, killed ${kills} times`, async () => {
  const stream = new KilledStream()
  const source = join(stream.folder, 'in.txt')
  const values = Array.from({ length: 1000 }, (_, number) => `line-${number}`)
  writeFileSync(source, `${values.join('\n')}\n`)
  const config = `
input: { file: { paths: [ '${source}' ] } }
buffer: ${buffers.sqlite(stream.folder)}
pipeline: { threads: 1, processors: [ { sleep: { duration: 1ms } } ] }
output: ${stream.output('file')}
`
  for (let kill = 0; kill < kills; kill++) {
    stream.start(config)
    const size = stream.size()
    await stream.until('it writes', () => stream.size() > size)
    await stream.kill()
  }
  stream.start(config)
  assert.equal(await stream.ended(), 0)
  assert.deepEqual(stream.missing(values), [])
})

/** A stream that writes to its own files and is killed and restarted. */
class KilledStream {
  readonly folder = mkdtempSync(join(parent, 'stream-'))
  readonly #files = ['out.txt', 'other.txt'].map(name => join(this.folder, name))
  #kill = (): unknown => undefined
  #ended: Promise<number | string> = Promise.resolve(0)
  #end: string | null = null

  /** The text of one of {@link outputs}. */
  output(name: string): string {
    const [file, other] = this.#files.map(path => `{ file: { path: '${path}', codec: lines } }`)
    return outputs[name]!.replace('FILE', file!).replace('OTHER', other!)
  }

  start(config: string): void {
    const path = join(this.folder, 'stream.yaml')
    writeFileSync(path, `http: { enabled: false }\nlogger: { level: ERROR }\n${config}`)
    const child = spawn(program, ['-c', path], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', piece => (errors += String(piece)))
    this.#end = null
    this.#kill = () => child.kill('SIGKILL')
    this.#ended = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.#end = `${code ?? signal}: ${errors}`
        resolve(code ?? signal!)
      })
    })
  }

  /** Resolves to the exit code, or the signal's name, when it has ended. */
  ended(): Promise<number | string> {
    return this.#ended
  }

  /** Kills it after a short delay. */
  async kill(): Promise<void> {
    await delay(Math.random() * 200)
    assert.equal(this.#end, null, 'the stream has ended by itself')
    this.#kill()
    assert.equal(await this.#ended, 'SIGKILL')
  }

  /** How many bytes it has written. */
  size(): number {
    return this.#texts().join('').length
  }

  /** The values that are not in its files. */
  missing(values: readonly string[]): readonly string[] {
    const delivered = new Set(this.#texts().flatMap(text => text.split('\n')))
    return values.filter(value => !delivered.has(value))
  }

  async untilDelivered(values: readonly string[]): Promise<void> {
    await this.until('all is delivered', () => this.missing(values).length === 0)
  }

  /** Waits for a condition, which requires a running stream. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const ask = async () => (assert.equal(this.#end, null, 'the stream has ended by itself'), condition())
    await eventually(what, ask, answer => answer)
  }

  #texts(): readonly string[] {
    return this.#files.filter(file => existsSync(file)).map(file => readFileSync(file, 'utf8'))
  }
}

/** Sends a message until it is acknowledged: while the stream is down, nothing listens. */
async function post(port: number, body: string, acknowledged: string[]): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/in`, { method: 'POST', body })
      if (response.status === 200) {
        acknowledged.push(body)
        return
      }
    } catch {
      await delay(20)
    }
  }
}
