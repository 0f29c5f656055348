import {
  autoReplayNacksField,
  codecFields,
  type Delivery,
  defineInput,
  field,
  type Input,
  NotConnectedError,
  openScanner,
  type Resources,
  ScannedSource,
  type ScannerFactory,
} from '../../engine/index.ts'
import { expandGlobs, openFile } from './files.ts'

export default defineInput({
  name: 'file',
  categories: ['Local'],
  summary: 'Reads files one after another and splits them into messages with a scanner.',
  description: 'Each message has the metadata `path`, `mod_time_unix` and `mod_time` (RFC 3339).',
  config: field.object({
    paths: field
      .string('The files to read, in order. Patterns with `*`, `?` and `**` expand to all matching files, sorted.')
      .needs('files')
      .list(),
    ...codecFields,
    scanner: field.scanner('How a file is split into messages.').default({ lines: {} }),
    delete_on_finish: field
      .bool('Whether a file is deleted once all of its messages have been delivered.')
      .default(false)
      .advanced(),
    auto_replay_nacks: autoReplayNacksField,
  }),
  examples: [
    {
      title: 'A folder of CSV files',
      config: 'input:\n  file:\n    paths: [ ./data/*.csv ]\n    scanner:\n      csv: {}\n',
    },
  ],
  async create(config, resources) {
    const factory = await openScanner(config, resources)
    return new FileInput(expandGlobs(config.paths, resources.host.files), factory, config.delete_on_finish, resources)
  },
})

class FileInput implements Input {
  readonly #paths: string[]
  readonly #factory: ScannerFactory
  readonly #delete: boolean
  readonly #resources: Resources
  #current: ScannedSource | null = null

  constructor(paths: string[], factory: ScannerFactory, deleteOnFinish: boolean, resources: Resources) {
    this.#paths = paths
    this.#factory = factory
    this.#delete = deleteOnFinish
    this.#resources = resources
  }

  /** Opens the next file. If it does not exist yet it stays next, and the engine retries. */
  async connect(): Promise<void> {
    const path = this.#paths[0]
    if (this.#current !== null || path === undefined) return
    this.#current = await this.#open(path)
    this.#paths.shift()
  }

  async read(): Promise<Delivery | null> {
    for (;;) {
      if (this.#current === null) {
        if (this.#paths.length === 0) return null
        await this.connect().catch((cause: unknown) => {
          throw new NotConnectedError(cause)
        })
        continue
      }
      try {
        const delivery = await this.#current.next()
        if (delivery !== null) return delivery
      } catch (error) {
        await this.#endFile()
        throw error
      }
      await this.#endFile()
    }
  }

  async close(): Promise<void> {
    await this.#endFile()
  }

  async #open(path: string): Promise<ScannedSource> {
    const source = await openFile(path, this.#resources.host.files)
    this.#resources.log.debug(`Consuming from file '${path}'`)
    return new ScannedSource(this.#factory, source, async error => {
      if (this.#delete && error === null) await this.#resources.host.files.unlink(path)
    })
  }

  async #endFile(): Promise<void> {
    const current = this.#current
    this.#current = null
    await current?.close()
  }
}
