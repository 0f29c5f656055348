import type { Writable } from 'node:stream'
import { allDelivered, defineOutput, field, type Message } from '../../engine/index.ts'
import { BodyBuffer, writerCodec } from './body-buffer.ts'

export default defineOutput({
  name: 'stdout',
  categories: ['Local'],
  summary: 'Writes messages to standard output.',
  needs: ['stdio'],
  config: field.object({
    codec: field.string('How messages are delimited.').default('lines').options(
      {
        'all-bytes': 'Nothing.',
        append: 'Nothing.',
        lines: 'A line break, unless a message ends with one.',
        'delim:x': 'A custom delimiter.',
      },
      false,
    ),
  }),
  maxInFlight: 1,
  create(config, { host }) {
    const stream = host.stdio.output
    const buffer = new BodyBuffer(writerCodec(config.codec).suffix)
    const write = (messages: readonly Message[]) => {
      for (const message of messages) buffer.add(message)
      return writeAll(stream, buffer.take())
    }
    return {
      write,
      async writeRun(run) {
        await write(run)
        return allDelivered(run)
      },
    }
  },
})

function writeAll(stream: Writable, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending = pieces.length
    if (pending === 0) resolve()
    for (const piece of pieces) {
      stream.write(piece, error => {
        if (error) reject(error)
        else if (--pending === 0) resolve()
      })
    }
  })
}
