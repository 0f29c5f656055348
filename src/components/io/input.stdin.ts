import type { Readable } from 'node:stream'
import {
  autoReplayNacksField,
  type ByteSource,
  codecFields,
  defineInput,
  field,
  type Metadata,
  openScanner,
  ScannedSource,
} from '../../engine/index.ts'

export default defineInput({
  name: 'stdin',
  categories: ['Local'],
  summary: 'Reads standard input and splits it into messages with a scanner.',
  needs: ['stdio'],
  config: field.object({
    ...codecFields,
    scanner: field.scanner('How the input is split into messages.').default({ lines: {} }),
    auto_replay_nacks: autoReplayNacksField,
  }),
  async create(config, resources) {
    const scanned = new ScannedSource(await openScanner(config, resources), new StdinSource(resources.host.stdio.input))
    return {
      async read(signal) {
        const { promise: aborted, resolve } = Promise.withResolvers<null>()
        const abort = () => resolve(null)
        if (signal.aborted) abort()
        signal.addEventListener('abort', abort, { once: true })
        try {
          return await Promise.race([scanned.next(), aborted])
        } finally {
          // All reads of a stream share one signal, so listeners would accumulate.
          signal.removeEventListener('abort', abort)
        }
      },
      close: () => scanned.close(),
    }
  },
})

class StdinSource implements ByteSource {
  readonly name = ''
  readonly metadata: Metadata = new Map()
  readonly #stream: Readable
  readonly #chunks: AsyncIterator<Uint8Array>

  constructor(stream: Readable) {
    this.#stream = stream
    this.#chunks = stream.iterator({ destroyOnReturn: false })
  }

  async read(): Promise<Uint8Array | null> {
    const { done, value } = await this.#chunks.next()
    return done === true ? null : value
  }

  close(): void {
    this.#stream.destroy()
  }
}
