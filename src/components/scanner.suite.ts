import { nullLog, systemClock, messageOf } from '../base/index.ts'
import { type AnySpec, defineInput, defineOutput, deliverEach, field, startStream } from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

/** What a scanner, given as YAML, makes of bytes that come in pieces of `size` bytes, and how it failed. */
export async function scanned(
  config: string,
  bytes: Uint8Array,
  size: number,
): Promise<{ readonly texts: readonly string[]; readonly error: string | null }> {
  const texts: string[] = []
  let failure: string | null = null
  const given = defineInput({
    name: 'given',
    summary: 'Scans bytes.',
    config: field.object({ scanner: field.scanner('') }),
    async create({ scanner }, resources) {
      const factory = await resources.scanner(scanner)
      let at = 0
      const scan = factory.scan({
        name: 'bytes',
        metadata: new Map(),
        read() {
          if (at >= bytes.length) return null
          at += size
          return bytes.slice(at - size, at)
        },
        close: () => {},
      })
      return {
        async read() {
          try {
            const messages = await scan.next()
            return messages === null ? null : deliverEach(messages)
          } catch (error) {
            failure = messageOf(error)
            return null
          }
        },
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
      },
    }),
  })
  const stream = await startStream(`input: { given: { scanner: { ${config} } } }\noutput: { collected: {} }\n`, {
    registry: createRegistry().extended([given, collected] as unknown as AnySpec[]),
    host: systemHost,
    clock: systemClock,
    log: nullLog,
  })
  await stream.done
  return { texts, error: failure }
}
