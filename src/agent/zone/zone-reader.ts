import { type Clock, type Log, messageOf, prometheusFamily, prometheusSample } from '../../base/index.ts'
import type { Peer } from '../../control/index.ts'
import { murmur2 } from '../../kafka/index.ts'
import { type ObjectReads, type ObjectStore, type Range, StorageError } from '../../storage/index.ts'
import { BlockCache, blockBytes } from './block-cache.ts'
import { RangeSeal, type WantedRange } from './sealed-range.ts'

/** The path under which an agent serves the others of its zone. */
export const rangesPath = '/v1/ranges'
export const signatureHeader = 'penstock-signature'

const maxCachedBytes = 128 * 1024 * 1024
const maxReads = 16
/** An agent that does not respond in time is skipped for a while; meanwhile its ranges are read from the bucket. */
const answerTimeoutMs = 3000
const avoidMs = 5000

export interface ZoneReaderOptions {
  readonly store: ObjectReads & Pick<ObjectStore, 'readsAreFree'>
  readonly nodeId: number
  readonly group: string
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
}

/** The response of an agent to another agent of its zone. */
export interface RangeAnswer {
  readonly status: number
  readonly body: Buffer
}

type Sharer = Pick<Peer, 'nodeId'> & { readonly address: string }

/**
 * Reads ranges of objects jointly with the other agents of a zone: each block of an object belongs to one of them,
 * which reads it from the bucket once for all. An agent that is alone in its zone, or whose neighbour does not respond,
 * reads for itself: reading a block twice only costs money. If reads are free, every agent reads for itself.
 */
export class ZoneReader {
  readonly #options: ZoneReaderOptions
  readonly #blocks: BlockCache
  readonly #avoided = new Map<number, number>()
  readonly #counts = { own: 0, neighbour: 0, bucket: 0 }
  #sharers: readonly Sharer[] = []
  #seal: RangeSeal | undefined

  constructor(options: ZoneReaderOptions) {
    this.#options = options
    this.#blocks = new BlockCache({ store: options.store, maxBytes: maxCachedBytes, maxReads })
  }

  /** Updates the set of agents and the secret of their cluster. */
  follow(peers: readonly Peer[], secret: string | undefined): void {
    const { group, zone, nodeId, store } = this.#options
    if (store.readsAreFree === true) return
    const sharers = peers.flatMap(peer =>
      peer.httpAddress != null && !peer.isDraining && peer.group === group && peer.zone === zone
        ? [{ nodeId: peer.nodeId, address: peer.httpAddress }]
        : [],
    )
    // An agent that the others do not know yet, or no longer know, would read blocks that it does not own.
    this.#sharers = sharers.some(sharer => sharer.nodeId === nodeId) ? sharers : []
    this.#seal = secret === undefined ? undefined : new RangeSeal(secret)
  }

  get readsInto(): boolean {
    return this.#options.store.readsInto === true
  }

  get blockBytes(): number | undefined {
    return this.#options.store.blockBytes
  }

  /** Reads an object or a range of it, like an object store. Rejects with a StorageError. */
  async get(key: string, range?: Range, signal?: AbortSignal, into?: Buffer): Promise<Buffer> {
    const seal = this.#seal
    if (seal === undefined || this.#sharers.length < 2 || range === undefined) {
      this.#counts.bucket++
      return this.#options.store.get(key, range, signal, into)
    }
    const whole = Buffer.allocUnsafeSlow(range.length)
    await Promise.all(
      piecesOf(key, range).map(async piece => {
        const bytes = await this.#piece(piece, seal, signal)
        bytes.copy(whole, piece.position - range.position)
      }),
    )
    return whole
  }

  /** Answers a request of another agent. */
  async answer(url: URL, signature: string): Promise<RangeAnswer> {
    const number = (name: string) => Number(url.searchParams.get(name) ?? Number.NaN)
    const range = { key: url.searchParams.get('key') ?? '', position: number('position'), length: number('length') }
    if (this.#seal?.isSignature(signature, range) !== true) return failure(403, 'the signature is wrong')
    if (piecesOf(range.key, range).length !== 1) return failure(400, 'the range is not in one block')
    try {
      const piece = await this.#ownPiece(range)
      return piece === undefined ? failure(503, 'busy') : { status: 200, body: this.#seal.seal(range, piece) }
    } catch (error) {
      if (error instanceof StorageError) return failure(503, error.message)
      throw error
    }
  }

  metricsText(): string {
    const help =
      'Ranges that were read: from blocks of this agent, of another agent of its zone, from the bucket itself.'
    const samples = Object.entries(this.#counts).map(([from, count]) =>
      prometheusSample('penstock_zone_reads_total', { from }, count),
    )
    const size = prometheusSample('penstock_zone_cache_bytes', {}, this.#blocks.sizeBytes)
    const neighbours = prometheusSample('penstock_zone_neighbours', {}, Math.max(0, this.#sharers.length - 1))
    return (
      prometheusFamily('penstock_zone_reads_total', 'counter', help, samples) +
      prometheusFamily('penstock_zone_cache_bytes', 'gauge', 'Blocks that this agent keeps for its zone.', [size]) +
      prometheusFamily('penstock_zone_neighbours', 'gauge', 'Agents that this one shares reads with.', [neighbours])
    )
  }

  async #piece(range: WantedRange, seal: RangeSeal, signal: AbortSignal | undefined): Promise<Buffer> {
    const owner = this.#ownerOf(range)
    if (owner.nodeId === this.#options.nodeId) {
      const piece = await this.#ownPiece(range)
      if (piece === undefined) return this.#fromBucket(range, signal)
      this.#counts.own++
      return piece
    }
    try {
      const piece = await ask(owner.address, range, seal)
      this.#counts.neighbour++
      return piece
    } catch (error) {
      this.#avoided.set(owner.nodeId, this.#options.clock.monotonic() + avoidMs)
      this.#options.log.debug('an agent of the zone did not answer', { node: owner.nodeId, error: messageOf(error) })
      return this.#fromBucket(range, signal)
    }
  }

  /** A view of a block, which must not be kept; undefined while this agent is at its limit of reads. */
  async #ownPiece({ key, position, length }: WantedRange): Promise<Buffer | undefined> {
    const index = Math.floor(position / blockBytes)
    const block = await this.#blocks.get(key, index)
    if (block === undefined) return undefined
    const start = position - index * blockBytes
    if (start + length > block.byteLength)
      throw new StorageError('out_of_range', `${key} ends before byte ${position + length}`)
    return block.subarray(start, start + length)
  }

  #fromBucket({ key, position, length }: WantedRange, signal: AbortSignal | undefined): Promise<Buffer> {
    this.#counts.bucket++
    return this.#options.store.get(key, { position, length }, signal)
  }

  /** Rendezvous hashing: when an agent joins or leaves, only its own share moves. */
  #ownerOf({ key, position }: WantedRange): Sharer {
    const now = this.#options.clock.monotonic()
    let owner: Sharer | undefined
    let best = -1
    for (const sharer of this.#sharers) {
      if ((this.#avoided.get(sharer.nodeId) ?? 0) > now) continue
      const name = `${sharer.nodeId}/${key}/${Math.floor(position / blockBytes)}`
      const score = murmur2(Buffer.from(name)) >>> 0
      if (score > best) [owner, best] = [sharer, score]
    }
    return owner! // this agent is among the sharers and is never skipped
  }
}

/** Splits a range into parts that each lie in one block. */
function piecesOf(key: string, { position, length }: Pick<Range, 'position' | 'length'>): WantedRange[] {
  const end = position + length
  const pieces: WantedRange[] = []
  for (let start = position; start < end; ) {
    const blockEnd = (Math.floor(start / blockBytes) + 1) * blockBytes
    pieces.push({ key, position: start, length: Math.min(end, blockEnd) - start })
    start = blockEnd
  }
  return pieces
}

async function ask(address: string, range: WantedRange, seal: RangeSeal): Promise<Buffer> {
  const { key, position, length } = range
  const query = new URLSearchParams({ key, position: String(position), length: String(length) })
  const response = await fetch(`http://${address}${rangesPath}?${query.toString()}`, {
    headers: { [signatureHeader]: seal.sign(range) },
    signal: AbortSignal.timeout(answerTimeoutMs),
  })
  const body = Buffer.from(await response.arrayBuffer())
  if (!response.ok) throw new Error(`it answered ${response.status}: ${body.toString().slice(0, 200)}`)
  const bytes = seal.open(range, body)
  if (bytes.length !== length) throw new Error(`it answered ${bytes.length} bytes of ${length}`)
  return bytes
}

function failure(status: number, message: string): RangeAnswer {
  return { status, body: Buffer.from(`${message}\n`) }
}
