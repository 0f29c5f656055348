import { setTimeout as sleep } from 'node:timers/promises'
import { apis, ErrorCode, errorName, writeRecords } from '../../src/kafka/index.ts'
import { WireClient } from './wire-client.ts'

/** Number of partitions of the topic; each transaction writes to all of them. */
export const PARTITIONS = 4
const RECORDS = 10
const value = Buffer.alloc(100, 'x')
/** The coordinator is still starting, or still writing the markers of the previous transaction. */
const transient: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
])
const RETRY_MS = 2
const MAX_RETRIES = 10_000

/** A transactional producer with a group of its own, which sends the requests that Java's client sends. */
export class TransactionalProducer {
  readonly #client: WireClient
  readonly #topic: string
  readonly #id: string
  readonly #identity: { readonly producerId: number; readonly producerEpoch: number }
  /** By partition. */
  readonly #sequences = Array.from({ length: PARTITIONS }, () => 0)
  #transactions = 0

  static async open(port: number, topic: string, id: string): Promise<TransactionalProducer> {
    const client = await WireClient.open(port)
    for (const [key, keyType] of [
      [id, 1],
      [id, 0],
    ] as const) {
      await retried(async () => [(await client.call(apis.FindCoordinator, 3, { key, keyType })).errorCode])
    }
    let identity = { producerId: -1, producerEpoch: -1 }
    await retried(async () => {
      const answer = await client.call(apis.InitProducerId, 4, { transactionalId: id, transactionTimeoutMs: 60_000 })
      identity = answer
      return [answer.errorCode]
    })
    return new TransactionalProducer(client, topic, id, identity)
  }

  private constructor(
    client: WireClient,
    topic: string,
    id: string,
    { producerId, producerEpoch }: { readonly producerId: number; readonly producerEpoch: number },
  ) {
    this.#client = client
    this.#topic = topic
    this.#id = id
    this.#identity = { producerId, producerEpoch }
  }

  /** Produces the records, commits the offsets of the group, and commits the transaction. */
  async transact(): Promise<void> {
    await this.#addPartitions()
    await this.#produce()
    await this.#commitOffsets()
    const end = { transactionalId: this.#id, ...this.#identity, committed: true }
    await retried(async () => [(await this.#client.call(apis.EndTxn, 3, end)).errorCode])
    this.#transactions++
  }

  async #addPartitions(): Promise<void> {
    const { producerId, producerEpoch } = this.#identity
    const request = {
      v3AndBelowTransactionalId: this.#id,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: this.#topic, partitions: this.#sequences.map((_, index) => index) }],
    }
    await retried(async () => {
      const { resultsByTopicV3AndBelow: results } = await this.#client.call(apis.AddPartitionsToTxn, 3, request)
      return results[0]!.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)
    })
  }

  async #produce(): Promise<void> {
    const timestamp = Date.now()
    const partitionData = this.#sequences.map((baseSequence, index) => {
      const count = Math.floor((RECORDS + index) / PARTITIONS)
      this.#sequences[index] = baseSequence + count
      const records = Array.from({ length: count }, () => ({ value }))
      return {
        index,
        records: writeRecords(records, { timestamp, transactional: true, baseSequence, ...this.#identity }),
      }
    })
    const topicData = [{ name: this.#topic, partitionData }]
    const request = { transactionalId: this.#id, acks: -1, timeoutMs: 30_000, topicData }
    await retried(async () => {
      const { responses } = await this.#client.call(apis.Produce, 9, request)
      return responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)
    })
  }

  async #commitOffsets(): Promise<void> {
    const who = { transactionalId: this.#id, groupId: this.#id, ...this.#identity }
    await retried(async () => [(await this.#client.call(apis.AddOffsetsToTxn, 3, who)).errorCode])
    const partitions = this.#sequences.map((_, partitionIndex) => ({
      partitionIndex,
      committedOffset: this.#transactions,
      committedMetadata: '',
    }))
    const request = {
      ...who,
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: this.#topic, partitions }],
    }
    await retried(async () => {
      const { topics } = await this.#client.call(apis.TxnOffsetCommit, 3, request)
      return topics[0]!.partitions.map(({ errorCode }) => errorCode)
    })
  }

  close(): void {
    this.#client.close()
  }
}

/** Repeats a request until none of its error codes is transient; throws if one is set then. */
async function retried(request: () => Promise<readonly number[]>): Promise<void> {
  for (let retry = 0; retry < MAX_RETRIES; retry++) {
    const codes = (await request()).filter(code => code !== 0)
    if (codes.length === 0) return
    const fatal = codes.find(code => !transient.has(code))
    if (fatal !== undefined) throw new Error(`the broker answered ${errorName(fatal)}`)
    await sleep(RETRY_MS)
  }
  throw new Error('the broker is never ready')
}
