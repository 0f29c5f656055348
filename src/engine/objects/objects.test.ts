import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { makeLog, severityOf } from '../logger.ts'
import { type ByteSource, ClosedError, type ScannerFactory } from '../component.ts'
import type { Delivery } from '../delivery.ts'
import { Message } from '../message.ts'
import { ObjectInput, type ObjectSource, type ObjectTarget } from './object-input.ts'
import { type ResumedObject, ResumedSource } from './resumed-source.ts'

const lost = () => Object.assign(new Error('connection reset'), { code: 'ECONNRESET' })
const isTransient = (error: unknown) => error instanceof Error && 'code' in error

/** A body that yields some chunks, then fails or ends. */
function body(chunks: readonly string[], end?: Error): Readable {
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
      if (end !== undefined) throw end
    })(),
  )
}

function resumed(object: Partial<ResumedObject>, signal = new AbortController().signal) {
  const lines: string[] = []
  const log = makeLog(severityOf('WARN'), {}, (_, message) => void lines.push(message))
  const whole: ResumedObject = {
    name: 'a',
    metadata: new Map(),
    body: body([]),
    reopen: () => Promise.resolve(null),
    isTransient,
    ...object,
  }
  return { source: new ResumedSource(whole, { log, random: () => 0, signal }), lines }
}

async function textOf(source: ByteSource): Promise<string> {
  let text = ''
  for (let chunk = await source.read(); chunk !== null; chunk = await source.read())
    text += Buffer.from(chunk).toString()
  return text
}

test('reading an object resumes where the connection was lost', async () => {
  const positions: number[] = []
  const { source, lines } = resumed({
    body: body(['one ', 'two '], lost()),
    reopen: async position => {
      positions.push(position)
      if (positions.length === 2) throw lost()
      return positions.length === 1 ? body(['three '], lost()) : body(['four'])
    },
  })
  assert.equal(await textOf(source), 'one two three four')
  assert.deepEqual(positions, [8, 14, 14])
  assert.match(lines[0]!, /Reading 'a' was interrupted at byte 8 and will resume there: connection reset/)
})

test('an object whose connection is lost after its last byte is complete', async () => {
  const { source } = resumed({ body: body(['all'], lost()) })
  assert.equal(await textOf(source), 'all')
})

test('a resumed object is given up if it has changed or its error is permanent', async () => {
  const changed = new Error('the condition failed')
  const replaced = resumed({ body: body(['x'], lost()), reopen: () => Promise.reject(changed) })
  await assert.rejects(textOf(replaced.source), changed)
  const broken = resumed({ body: body(['x'], changed), reopen: () => assert.fail('it is not opened again') })
  await assert.rejects(textOf(broken.source), changed)
})

test('stopping the stream ends the wait for an unreachable server', async () => {
  const stop = new AbortController()
  const reason = new ClosedError()
  const { source } = resumed(
    {
      body: body([], lost()),
      reopen: async () => {
        stop.abort(reason)
        throw lost()
      },
    },
    stop.signal,
  )
  await assert.rejects(textOf(source), error => error === reason || isTransient(error))
})

/** Each object is one message, its key; opening it fails with the given errors first. */
function objects(keys: readonly string[], failures: Readonly<Record<string, Error[]>>, small: readonly string[] = []) {
  const outcomes: (readonly [string, Error | null])[] = []
  const opened: string[] = []
  const closed: string[] = []
  const queue = [...keys]
  const source: ObjectSource<ObjectTarget> = {
    connect: () => Promise.resolve(),
    async next() {
      const key = queue.shift()
      const isSmall = key !== undefined && small.includes(key)
      return key === undefined ? null : { key, isSmall, settled: error => void outcomes.push([key, error]) }
    },
    async open({ key }) {
      opened.push(key)
      const failure = failures[key]?.shift()
      if (failure !== undefined) throw failure
      return { name: key, metadata: new Map(), read: () => null, close: () => void closed.push(key) }
    },
    mayOpenLater: isTransient,
    close: () => Promise.resolve(),
  }
  const factory: ScannerFactory = {
    scan({ name }) {
      let left = 1
      return { next: () => (left-- > 0 ? [Message.fromText(name)] : null), close: () => undefined }
    },
  }
  const input = new ObjectInput(
    source,
    factory,
    makeLog(severityOf('OFF'), {}, () => undefined),
  )
  return { input, outcomes, opened, closed }
}

const { signal } = new AbortController()
const textsOf = (delivery: Delivery | null) => delivery?.messages.map(message => message.text())

test('an object that cannot be opened is retried, or skipped if the error is permanent', async () => {
  const never = new Error('access denied')
  const { input, outcomes } = objects(['a', 'b'], { a: [lost(), lost()], b: [never] })
  await assert.rejects(input.read(signal), /connection reset/)
  await assert.rejects(input.read(signal), /connection reset/)
  const delivery = await input.read(signal)
  assert.deepEqual(textsOf(delivery), ['a'])
  await delivery!.ack(null)
  await assert.rejects(input.read(signal), never)
  assert.equal(await input.read(signal), null)
  assert.deepEqual(outcomes, [
    ['a', null],
    ['b', never],
  ])
})

test('an object is reported as delivered only after it was read completely and all of its messages arrived', async () => {
  const { input, outcomes } = objects(['a'], {})
  const delivery = await input.read(signal)
  await delivery!.ack(null)
  assert.deepEqual(outcomes, [])
  assert.equal(await input.read(signal), null)
  assert.deepEqual(outcomes, [['a', null]])
})

test('objects that were not read completely when the stream stops are reported as closed, neither delivered nor rejected', async () => {
  const { input, outcomes } = objects(['a', 'b'], { b: [lost()] })
  const delivery = await input.read(signal)
  assert.deepEqual(textsOf(delivery), ['a'])
  await assert.rejects(input.read(signal), /connection reset/)
  await delivery!.ack(new ClosedError())
  await input.close()
  assert.deepEqual(
    outcomes.map(([key, error]) => [key, error instanceof ClosedError]),
    [
      ['a', true],
      ['b', true],
    ],
  )
})

test('small objects are opened ahead, and all objects are read in order', async () => {
  const keys = ['a', 'b', 'large', 'c']
  const { input, opened, outcomes } = objects(keys, { b: [lost(), lost()] }, ['a', 'b', 'c'])
  assert.deepEqual(textsOf(await input.read(signal)), ['a'])
  assert.deepEqual(opened, ['a', 'b'])
  // An object that could not be opened ahead is reported and opened again when its turn comes.
  await assert.rejects(input.read(signal), /connection reset/)
  await assert.rejects(input.read(signal), /connection reset/)
  for (const key of ['b', 'large', 'c']) {
    const delivery = await input.read(signal)
    assert.deepEqual(textsOf(delivery), [key])
    await delivery!.ack(null)
  }
  assert.equal(await input.read(signal), null)
  assert.deepEqual(opened, ['a', 'b', 'b', 'b', 'large', 'c'])
  assert.deepEqual(
    outcomes.map(([key]) => key),
    ['b', 'large', 'c'],
  )
})

test('no more than a few small objects are opened ahead, and they are closed and reported when the stream stops', async () => {
  const keys = Array.from({ length: 30 }, (_, index) => `k${index}`)
  const { input, opened, closed, outcomes } = objects(keys, {}, keys)
  const delivery = await input.read(signal)
  assert.ok(opened.length > 1 && opened.length <= 9, `${opened.length} objects are open`)
  await delivery!.ack(new ClosedError())
  await input.close()
  assert.deepEqual(closed.toSorted(), opened.slice(1).toSorted()) // the first one belongs to its scanner
  const closedOnly = outcomes.filter(([, error]) => error instanceof ClosedError).map(([key]) => key)
  assert.deepEqual(closedOnly.toSorted(), opened.toSorted())
})
