import { type ComponentConfig, ConfigError, type Resources, type Scanner, type ScannerFactory } from './component.ts'
import { deliverBatch, deliverEach, type AckSome, type Delivery } from './delivery.ts'
import { field } from './fields.ts'
import type { Message } from './message.ts'

/** Deprecated fields with which older configurations choose how a source is cut, in place of `scanner`. */
export const codecFields = {
  codec: field
    .string(
      'How a source is split into messages, in the old notation; use `scanner` instead. One of `lines`, `delim:x`, `csv`, `csv:x`, `csv-safe`, `csv-safe:x`, `all-bytes`, `chunker:x`, `regex:x`, `tar`, `avro-ocf`, `avro-ocf:marshaler=x` and `auto`, optionally preceded by `gzip`, `pgzip` or `skipbom` and followed by `multipart`, as in `gzip/csv`.',
    )
    .optional()
    .deprecated()
    .examples('lines', 'gzip/csv'),
  max_buffer: field
    .int('With `codec`, a message of this many bytes or more is an error.')
    .default(1_000_000)
    .deprecated(),
} as const

interface CutOptions {
  readonly codec?: string | undefined
  readonly max_buffer: number
  readonly scanner: ComponentConfig
}

/** The scanner of an input: that of its `codec` where one is set, else its `scanner`. Throws {@link ConfigError}. */
export async function openScanner(options: CutOptions, resources: Resources): Promise<ScannerFactory> {
  const { codec, max_buffer: maxBytes, scanner } = options
  if (codec === undefined) return resources.scanner(scanner)
  return new CodecReader(maxBytes === 0 ? 1_000_000 : maxBytes, resources).open(codec)
}

/** A delivery of the messages that a scanner returned: individual messages, or one batch. */
export function deliverCut(scanner: Scanner, messages: readonly Message[], ack?: AckSome): Delivery {
  if (scanner.makesBatches === true) return deliverBatch(messages, error => ack?.(messages, error))
  return deliverEach(messages, ack)
}

/** Builds codecs from the equivalent scanners, without their metadata: codecs add none. */
class CodecReader {
  readonly #maxBytes: number
  readonly #resources: Resources

  constructor(maxBytes: number, resources: Resources) {
    this.#maxBytes = maxBytes
    this.#resources = resources
  }

  async open(codec: string): Promise<ScannerFactory> {
    if (codec === 'auto') return await this.#byName()
    return await this.#chain(codec === 'csv-gzip' ? 'gzip/csv' : codec === 'tar-gzip' ? 'gzip/tar' : codec)
  }

  async #chain(codec: string): Promise<ScannerFactory> {
    const around: string[] = []
    let cut: { readonly step: string; readonly scanner: object } | undefined
    let joins = false
    const steps = codec.split('/')
    for (const [index, step] of steps.entries()) {
      if (step === 'multipart') {
        if (cut === undefined) throw new ConfigError(`unable to codec '${step}' must be preceded by a structured codec`)
        joins = true
        continue
      }
      const unpacks = ['gzip', 'pgzip', 'skipbom'].includes(step)
      const scanner = unpacks ? undefined : this.#scannerFor(step)
      if (!unpacks && scanner === undefined) throw new ConfigError(`codec was not recognised: ${step}`)
      if (cut !== undefined) throw new ConfigError(`unable to follow codec '${steps[index - 1]}' with '${step}'`)
      if (scanner === undefined) around.unshift(step)
      else cut = { step, scanner }
    }
    if (cut === undefined) throw new ConfigError(`codec was not recognised: [${steps.join(' ')}]`)
    let config = cut.scanner
    for (const step of around) {
      config = step === 'skipbom' ? { skip_bom: { into: config } } : { decompress: { algorithm: step, into: config } }
    }
    const parsed = await this.#resources.parse('scanner', JSON.stringify(config), 'codec')
    const factory = await this.#resources.scanner(parsed)
    const isSafe = cut.step === 'csv-safe' || cut.step.startsWith('csv-safe:')
    return {
      scan(source) {
        let row = 1
        const change = (message: Message) => {
          const bare = message.withMetadata(source.metadata)
          return isSafe ? numbered(bare, ++row) : bare
        }
        const scanner = new ChangedScanner(factory.scan(source), change)
        return joins ? new JoiningScanner(scanner) : scanner
      },
    }
  }

  /** The scanner configuration equivalent to one step of a codec; undefined if there is no such step. */
  #scannerFor(step: string): object | undefined {
    const max_buffer_size = this.#maxBytes
    switch (step) {
      case 'all-bytes':
        return { to_the_end: {} }
      case 'lines':
        return { lines: { max_buffer_size } }
      case 'csv':
        return { csv: {} }
      case 'csv-safe':
        return { csv: { continue_on_error: true } }
      case 'tar':
        return { tar: {} }
      case 'avro-ocf':
        return { avro: { raw_json: true } }
    }
    const colon = step.indexOf(':')
    if (colon === -1) return undefined
    const by = step.slice(colon + 1)
    const name = step.slice(0, colon)
    switch (name) {
      case 'avro-ocf':
        if (by !== 'marshaler=json' && by !== 'marshaler=goavro')
          throw new ConfigError('avro-ocf codec requires a non-empty marshaler')
        return { avro: { raw_json: by === 'marshaler=goavro' } }
      case 'delim':
        if (by === '') throw new ConfigError('custom delimiter codec requires a non-empty delimiter')
        return { lines: { custom_delimiter: by, max_buffer_size } }
      case 'csv':
      case 'csv-safe':
        if (by === '') throw new ConfigError(`${name} codec requires a non-empty delimiter`)
        if ([...by].length !== 1) throw new ConfigError(`${name} codec requires a single character delimiter`)
        return { csv: { custom_delimiter: by, continue_on_error: name === 'csv-safe' } }
      case 'chunker':
        if (!/^[+-]?\d+$/.test(by))
          throw new ConfigError(`invalid chunk size for chunker codec: ${JSON.stringify(by)} is not an integer`)
        return { chunker: { size: Number(by) } }
      case 'regex':
        if (by === '') throw new ConfigError('regex codec requires a non-empty delimiter')
        return { re_match: { pattern: by, max_buffer_size } }
      default:
        return undefined
    }
  }

  /** Chooses the codec by the ending of the source's name. */
  async #byName(): Promise<ScannerFactory> {
    const whole = await this.#chain('all-bytes')
    const endings = new Map<RegExp, ScannerFactory>([
      [/\.avro$/, await this.#chain('avro-ocf')],
      [/\.csv$/, await this.#chain('csv')],
      [/\.tar$/, await this.#chain('tar')],
      [/\.(tgz|tar\.gz|tar\.gzip)$/, await this.#chain('gzip/tar')],
    ])
    return {
      scan: source => ([...endings].find(([ending]) => ending.test(source.name))?.[1] ?? whole).scan(source),
    }
  }
}

class ChangedScanner implements Scanner {
  readonly #scanner: Scanner
  readonly #change: (message: Message) => Message

  constructor(scanner: Scanner, change: (message: Message) => Message) {
    this.#scanner = scanner
    this.#change = change
  }

  async next(): Promise<readonly Message[] | null> {
    return (await this.#scanner.next())?.map(this.#change) ?? null
  }

  async close(): Promise<void> {
    await this.#scanner.close()
  }
}

/** Collects all messages up to an empty one into a batch. */
class JoiningScanner implements Scanner {
  readonly makesBatches = true
  readonly #scanner: Scanner
  #waiting: readonly Message[] = []
  #ended = false

  constructor(scanner: Scanner) {
    this.#scanner = scanner
  }

  async next(): Promise<readonly Message[] | null> {
    const batch: Message[] = []
    for (;;) {
      const end = this.#waiting.findIndex(message => message.sizeBytes === 0)
      batch.push(...this.#waiting.slice(0, end === -1 ? this.#waiting.length : end))
      this.#waiting = end === -1 ? [] : this.#waiting.slice(end + 1)
      if (end !== -1) {
        if (batch.length > 0) return batch
        continue
      }
      if (this.#ended) return batch.length > 0 ? batch : null
      const more = await this.#scanner.next()
      this.#ended = more === null
      this.#waiting = more ?? []
    }
  }

  async close(): Promise<void> {
    await this.#scanner.close()
  }
}

/** A row of `csv-safe`. A malformed row is empty and carries its error in metadata. */
function numbered(message: Message, row: number): Message {
  const { error } = message
  const values = Object.values(message.structured() as object) // a row is an object or a list
  const first: unknown = values[0]
  const marked = message
    .withMeta('row_number', BigInt(row))
    .withMeta('row_empty', `${String(first ?? '')}`.trim() === '')
  if (error === null) return marked
  return marked.withMeta('row_parse_error', error.message).withError(null).withDocument({})
}
