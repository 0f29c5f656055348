import { asError } from '../../base/index.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Message } from '../../engine/index.ts'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'
import { metered } from './metered-module.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-wasm-'))
after(() => rmSync(folder, { recursive: true }))

/** Compiled from Rust. */
const louder = join(import.meta.dirname, 'guests/louder.wasm')
/** With the exports of TinyGo. */
const upper = join(import.meta.dirname, 'guests/upper.wasm')

const guest = (path: string, more: object = {}) => JSON.stringify({ wasm: { module_path: path, ...more } })

test('guests of both kinds change bodies', async () => {
  assert.deepEqual(await bodiesOf(guest(louder), ['hello world', 'é', '']), [
    'hello world!!!!111!!11!',
    'é!!!!111!!11!',
    '!!!!111!!11!',
  ])
  assert.deepEqual(await bodiesOf(guest(upper), ['hello world', 'Aé1', '']), ['HELLO WORLD', 'Aé1', ''])
})

test('memory passed to a guest is freed: a thousand messages fit into the memory of a few', async () => {
  const body = 'x'.repeat(10_000)
  const bodies = Array.from({ length: 1000 }, () => body)
  for (const path of [upper, louder]) {
    const results = await bodiesOf(guest(path, { memory_limit_mib: 16 }), bodies)
    assert.equal(results.length, 1000)
    assert.equal(results[999]!.slice(0, 10).toLowerCase(), 'xxxxxxxxxx')
  }
})

test('a guest reads and sets metadata', async () => {
  const messages = [new Map([['from', 'm']]), new Map<string, string>()].map(metadata =>
    Message.fromText('x', metadata),
  )
  const outcomes = await processed(guest(louder, { function: 'copy_meta' }), messages)
  assert.deepEqual(
    outcomes.map(({ text, metadata }) => [text, metadata['to']]),
    [
      ['x', 'm copied'],
      ['x', ' copied'],
    ],
  )
})

test('a guest that traps flags its message, which is unchanged, and the next message gets a new guest', async () => {
  const reasons = {
    loop: /^the module used more than its 200 ms$/,
    memory: /^wasm error: unreachable/,
    recurse: /^wasm error: Maximum call stack size exceeded/,
    panic: /^wasm error: unreachable: thread '<unnamed>' panicked at 'on purpose'/,
    outside: /^failed to read out-bound memory: prevented read$/,
  }
  for (const [kind, reason] of Object.entries(reasons)) {
    const limits = { function: 'misbehave', time_limit: kind === 'loop' ? '200ms' : '20s', memory_limit_mib: 16 }
    const outcomes = await processed(guest(louder, limits), ['x', kind, 'x'], { asBatch: true })
    assert.deepEqual(
      outcomes.map(({ text }) => text),
      ['behaved', kind, 'behaved'],
    )
    assert.match(outcomes[1]!.error ?? '', reason)
    assert.deepEqual([outcomes[0]!.error, outcomes[2]!.error], [null, null])
  }
})

test('a guest can neither catch the end of its time nor hide its work in large instructions', async () => {
  for (const name of ['stubborn', 'bulk']) {
    assert.deepEqual(await errorsOf(guest(upper, { function: name, time_limit: '200ms' }), ['x', 'y']), [
      'the module used more than its 200 ms',
      'the module used more than its 200 ms',
    ])
  }
})

test('a guest has no files, and may end itself', async () => {
  // 52 is ENOSYS.
  assert.deepEqual(await bodiesOf(guest(upper, { function: 'open' }), ['x']), ['52'])
  assert.deepEqual(await errorsOf(guest(upper, { function: 'quit' }), ['x']), [
    'module closed with exit_code(3): gave up',
  ])
})

test('a module that cannot be used stops the stream with the reason', async () => {
  const broken = join(folder, 'broken.wasm')
  writeFileSync(broken, 'no module')
  await assert.rejects(processed(guest(broken), ['x']), /broken\.wasm cannot be used: this is not a WebAssembly module/)
  const cut = join(folder, 'cut.wasm')
  writeFileSync(cut, readFileSync(upper).subarray(0, 300))
  await assert.rejects(processed(guest(cut), ['x']), /cut\.wasm cannot be used: the module is cut off/)
  await assert.rejects(processed(guest(upper, { function: 'none' }), ['x']), /the module exports no function none/)
  await assert.rejects(processed(guest('/nowhere.wasm'), ['x']), /open \/nowhere\.wasm: no such file or directory/)
})

test('damaged modules are either refused or run', () => {
  const whole = readFileSync(louder)
  for (let at = 8; at < whole.length; at += 997) {
    const damaged = Uint8Array.from(whole)
    damaged[at] = damaged[at]! ^ 0x55
    try {
      metered(damaged, 1 << 24)
    } catch (error) {
      assert.equal(asError(error).name, 'ModuleError')
    }
  }
})

test('the event loop runs between messages that exceed their time limit', async () => {
  let at = performance.now()
  let stretches = 0
  // Each message blocks the event loop for 200 ms; without yielding between them these would add up.
  const timer = setInterval(() => {
    const now = performance.now()
    if (now - at > 150) stretches++
    at = now
  }, 1)
  await processed(guest(upper, { function: 'stubborn', time_limit: '200ms' }), ['a', 'b', 'c'])
  clearInterval(timer)
  assert.ok(stretches >= 3, String(stretches))
})
