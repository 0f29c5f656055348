import { fileErrorText } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  defineInput,
  deliverBatch,
  type Delivery,
  field,
  type Files,
  type Input,
  Message,
} from '../../engine/index.ts'
import { expandGlobs } from '../io/files.ts'
import { rowsOf } from './rows.ts'

export default defineInput({
  name: 'parquet',
  status: 'experimental',
  categories: ['Local'],
  requires: ['hyparquet'],
  summary: 'Reads Parquet files, one message per row.',
  description: 'A file is read as a whole. One that cannot be read is logged and skipped.',
  config: field.object({
    paths: field
      .string('The files to read, in order. Patterns with `*`, `?` and `**` expand to all matching files, sorted.')
      .needs('files')
      .list()
      .examples(['/tmp/foo.parquet', '/tmp/data/**/*.parquet']),
    batch_count: field.int('The number of rows per batch.').default(1).advanced(),
    auto_replay_nacks: autoReplayNacksField,
  }),
  create({ paths, batch_count: batchCount }, { host: { files }, log }) {
    const found = expandGlobs(paths, files)
    if (found.length === 0) log.warn(`Paths ${paths.join(', ')} did not match any files`)
    return new ParquetInput(found, Math.max(batchCount, 1), files)
  },
})

class ParquetInput implements Input {
  readonly #paths: string[]
  readonly #batchCount: number
  readonly #files: Files
  #rows: readonly Value[] = []
  #at = 0

  constructor(paths: readonly string[], batchCount: number, files: Files) {
    this.#paths = [...paths]
    this.#batchCount = batchCount
    this.#files = files
  }

  async read(): Promise<Delivery | null> {
    while (this.#at >= this.#rows.length) {
      const path = this.#paths.shift()
      if (path === undefined) return null
      this.#rows = rowsOf(await this.#open(path))
      this.#at = 0
    }
    const rows = this.#rows.slice(this.#at, this.#at + this.#batchCount)
    this.#at += rows.length
    return deliverBatch(
      rows.map(row => Message.fromText('').withDocument(row)),
      () => {},
    )
  }

  async #open(path: string): Promise<Uint8Array> {
    try {
      return await this.#files.readFile(path)
    } catch (error) {
      throw new Error(fileErrorText('open', path, error), { cause: error })
    }
  }
}
