import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock, messageOf } from '../base/index.ts'
import { defineInput, defineOutput, deliverEach, field, startStream } from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

/** A scanner as YAML, and a source for it to split. */
interface ScannerHarness {
  /** The scanner without braces: `lines: {}`. */
  readonly config: string
  readonly bytes: Uint8Array
  /** The bodies of the resulting messages. */
  readonly bodies: readonly string[]
  /** The result for an empty source, if not nothing; or the error. */
  readonly empty?: readonly string[] | RegExp
  /**
   * A source that cannot be scanned to its end, with the messages before the fault; or the reason why there is none.
   */
  readonly broken: { readonly bytes: Uint8Array; readonly bodies: readonly string[]; readonly error: RegExp } | string
}

/**
 * Tests that a scanner satisfies the contract. Call it once, with the scanner's name, in a test file of the component.
 */
export function scannerContract(name: string, { config, bytes, bodies, empty = [], broken }: ScannerHarness): void {
  test(`scanner ${name}: the result does not depend on how the source is split into chunks`, async () => {
    for (const size of [1, 3, 64, bytes.length]) {
      assert.deepEqual(await scanned(config, bytes, size), { texts: bodies, error: null }, `pieces of ${size} bytes`)
    }
  })

  test(`scanner ${name}: messages have the metadata of their source, and the source is closed`, async () => {
    const { origins, closes } = await scan(config, bytes, 64)
    assert.deepEqual(origins, Array(bodies.length).fill('here'))
    assert.ok(closes > 0)
  })

  test(`scanner ${name}: an empty source ends`, async () => {
    const { texts, error } = await scanned(config, new Uint8Array(0), 1)
    if (empty instanceof RegExp) return assert.match(error ?? '', empty)
    assert.deepEqual({ texts, error }, { texts: empty, error: null })
  })

  test(`scanner ${name}: an error is reported after the messages before it`, async context => {
    if (typeof broken === 'string') return context.skip(broken)
    for (const size of [1, 64]) {
      const { texts, error } = await scanned(config, broken.bytes, size)
      assert.deepEqual(texts, broken.bodies)
      assert.match(error ?? '', broken.error)
    }
  })
}

/** The result of a scanner, given as YAML, for bytes that arrive in pieces of `size` bytes, and how it failed. */
export async function scanned(
  config: string,
  bytes: Uint8Array,
  size: number,
): Promise<{ readonly texts: readonly string[]; readonly error: string | null }> {
  const { texts, error } = await scan(config, bytes, size)
  return { texts, error }
}

/**
 * Like {@link scanned}, also with the metadata `origin` that the source gave each message, and how often the source was
 * closed.
 */
async function scan(config: string, bytes: Uint8Array, size: number) {
  const texts: string[] = []
  const origins: unknown[] = []
  let failure: string | null = null
  let closes = 0
  const given = defineInput({
    name: 'given',
    summary: 'Scans bytes.',
    config: field.object({ scanner: field.scanner('') }),
    async create(own, resources) {
      const factory = await resources.scanner(own.scanner)
      let at = 0
      const scanner = factory.scan({
        name: 'bytes',
        metadata: new Map([['origin', 'here']]),
        read() {
          if (at >= bytes.length) return null
          at += size
          return bytes.slice(at - size, at)
        },
        close: () => void closes++,
      })
      return {
        async read() {
          try {
            const messages = await scanner.next()
            return messages === null ? null : deliverEach(messages)
          } catch (error) {
            failure = messageOf(error)
            return null
          }
        },
        close: () => scanner.close(),
      }
    },
  })
  const collected = defineOutput({
    name: 'collected',
    summary: 'Keeps what came of them.',
    config: field.anyObject('').default({}),
    maxInFlight: 1,
    create: () => ({
      write(batch) {
        texts.push(...batch.map(message => message.text()))
        origins.push(...batch.map(message => message.metadata.get('origin')))
      },
    }),
  })
  const stream = await startStream(`input: { given: { scanner: { ${config} } } }\noutput: { collected: {} }\n`, {
    registry: createRegistry().extended([given, collected]),
    host: systemHost,
    clock: systemClock,
    log: nullLog,
  })
  await stream.done
  return { texts, origins, error: failure, closes }
}
