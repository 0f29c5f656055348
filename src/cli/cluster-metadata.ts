import { type Log, systemClock, systemRandom } from '../base/index.ts'
import {
  type Metadata,
  MetadataClient,
  MetadataHub,
  openPostgresTransport,
  openSqliteTransport,
} from '../metadata/index.ts'
import { FlagError } from './flags.ts'

/** Where a control plane stores everything. */
export type MetadataPlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }

/** The place of a `-databaseURL`. Throws a FlagError. */
export function placeOf(url: string): MetadataPlace {
  if (url === '') throw new FlagError('-databaseURL is missing: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:FILE')
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) return { kind: 'sqlite', file: url.slice(7) }
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return { kind: 'postgres', url }
  throw new FlagError(`-databaseURL has to be postgres://USER:PASSWORD@HOST/DATABASE or sqlite:FILE`)
}

interface Opened {
  readonly hub: MetadataHub
  readonly metadata: Metadata
}

/**
 * The metadata of all clusters of a control plane, each separate from the others: in PostgreSQL a schema named after
 * the cluster, with SQLite a file next to that of the control plane. It is opened on first use.
 */
export class ClusterMetadata {
  readonly #place: MetadataPlace
  readonly #log: Log
  readonly #onLost: (reason: Error) => void
  readonly #opening = new Map<string, Promise<Opened>>()
  readonly #opened = new Map<string, Opened>()

  constructor(place: MetadataPlace, log: Log, onLost: (reason: Error) => void) {
    this.#place = place
    this.#log = log
    this.#onLost = onLost
  }

  /** The metadata of an existing cluster. Rejects if it cannot be opened now; the next call retries. */
  async hub(clusterId: string): Promise<MetadataHub> {
    let opening = this.#opening.get(clusterId)
    if (opening === undefined) {
      opening = this.#open(clusterId)
      this.#opening.set(clusterId, opening)
      opening.catch(() => this.#opening.delete(clusterId))
    }
    return (await opening).hub
  }

  /** The same for the API; undefined if it cannot be opened now. */
  async of(clusterId: string): Promise<Metadata | undefined> {
    await this.hub(clusterId).catch((error: Error) => this.#log.warn('cannot open metadata', { error: error.message }))
    return this.#opened.get(clusterId)?.metadata
  }

  async close(): Promise<void> {
    for (const opening of this.#opening.values()) {
      const opened = await opening.catch(() => undefined)
      await opened?.hub.close()
    }
  }

  async #open(clusterId: string): Promise<Opened> {
    const place = this.#place
    const transport =
      place.kind === 'sqlite'
        ? await openSqliteTransport(`${place.file}.${clusterId}`, systemClock)
        : await openPostgresTransport({ url: place.url, schema: clusterId, random: systemRandom, log: this.#log })
    const hub = new MetadataHub(transport)
    transport.onLost(this.#onLost)
    const opened = { hub, metadata: await MetadataClient.open(hub.connect(), { random: systemRandom }) }
    this.#opened.set(clusterId, opened)
    return opened
  }
}
