import {
  type ApiRequest,
  type ApiResponse,
  ControlError,
  type RecordBytes,
  type TopicRecord,
} from '../../control/index.ts'
import { ErrorCode, type KafkaRecord, readBatchHeader, readRecords } from '../../kafka/index.ts'
import type { ClusterView } from './answers.ts'
import { type KafkaClient, throwOnError } from './kafka-client.ts'
import { type Bounds, offsetBounds, topicPartitions } from './topics.ts'

const maxFetchBytes = 8 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
const maxBatchBytes = 64 * 1024 * 1024
const shownBytes = 64 * 1024

/** Reads records for display. Nothing is committed or kept. */
export async function readTopicMessages(
  { client }: ClusterView,
  { topic_name, partition, positions, limit = 50, wait_ms = 0 }: ApiRequest<'read_topic_messages'>,
): Promise<ApiResponse<'read_topic_messages'>> {
  const all = await topicPartitions(client, topic_name)
  if (partition !== undefined && !all.includes(partition)) throwOnError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const partitions = partition === undefined ? all : [partition]
  const bounds = (await offsetBounds(client, [{ name: topic_name, partitions }])).get(topic_name)!
  if (positions === undefined) return readNewest(client, topic_name, bounds, limit)
  const from = new Map([...bounds].map(([index, { start }]) => [index, start]))
  for (const { partition: index, offset } of positions) {
    const own = bounds.get(index)
    if (own !== undefined) from.set(index, Math.min(Math.max(offset, own.start), own.end))
  }
  const read = await fetchRecords(client, topic_name, from, wait_ms)
  const { taken, next } = takeOldest(read, from, limit)
  return { records: taken, next_positions: toPositions(next) }
}

/** One record in full. */
export async function readTopicMessage(
  { client }: ClusterView,
  { topic_name, partition, offset }: ApiRequest<'read_topic_message'>,
): Promise<ApiResponse<'read_topic_message'>> {
  const read = await fetchRecords(client, topic_name, new Map([[partition, offset]]), 0)
  const record = read.get(partition)?.records.find(candidate => candidate.offset === offset)
  if (record !== undefined) return { record: toTopicRecord(partition, record, Infinity) }
  const message = `partition ${partition} has no record at offset ${offset}; it may have been removed by retention`
  throw new ControlError('topic_message_not_found', message)
}

/** The newest records across all partitions, and the offsets from which to continue. */
async function readNewest(
  client: KafkaClient,
  topic: string,
  bounds: ReadonlyMap<number, Bounds>,
  limit: number,
): Promise<ApiResponse<'read_topic_messages'>> {
  const from = new Map([...bounds].map(([index, { start, end }]) => [index, Math.max(start, end - limit)]))
  const ends = new Map([...bounds].map(([index, { end }]) => [index, end]))
  const records: TopicRecord[] = []
  let left = new Map([...from].filter(([index, offset]) => offset < ends.get(index)!))
  while (left.size > 0) {
    const read = await fetchRecords(client, topic, left, 0)
    const following = new Map<number, number>()
    for (const [index, { records: found, next }] of read) {
      for (const record of found) if (record.offset < ends.get(index)!) records.push(toTopicRecord(index, record))
      if (next > left.get(index)! && next < ends.get(index)!) following.set(index, next)
    }
    left = following
  }
  const sorted = records.toSorted((a, b) =>
    a.timestamp === b.timestamp ? a.offset - b.offset : a.timestamp < b.timestamp ? -1 : 1,
  )
  return { records: sorted.slice(-limit), next_positions: toPositions(ends) }
}

interface PartitionRead {
  readonly records: readonly KafkaRecord[]
  /** The offset to continue from once all records are taken. */
  readonly next: number
}

async function fetchRecords(
  client: KafkaClient,
  topic: string,
  from: ReadonlyMap<number, number>,
  waitMs: number,
): Promise<Map<number, PartitionRead>> {
  const partitions = [...from].map(([index, fetchOffset]) => ({
    partition: index,
    fetchOffset,
    partitionMaxBytes: maxPartitionBytes,
  }))
  const request = { maxWaitMs: waitMs, minBytes: waitMs > 0 ? 1 : 0, maxBytes: maxFetchBytes, isolationLevel: 1 }
  const answer = await client.send('Fetch', { ...request, topics: [{ topic, partitions }] }, waitMs + 20_000)
  throwOnError(answer.errorCode)
  const read = new Map<number, PartitionRead>()
  for (const { partitionIndex, errorCode, records } of answer.responses.flatMap(response => response.partitions)) {
    // The log may have been truncated meanwhile; the next request finds the new bounds.
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) continue
    throwOnError(errorCode)
    read.set(partitionIndex, readBatches(records ?? Buffer.alloc(0), from.get(partitionIndex)!))
  }
  return read
}

/** The records of all complete batches from an offset on; transaction markers are skipped. */
function readBatches(bytes: Buffer, from: number): PartitionRead {
  const records: KafkaRecord[] = []
  let next = from
  let position = 0
  for (;;) {
    const header = readBatchHeader(bytes, position)
    if (header === undefined || position + header.sizeBytes > bytes.length) return { records, next }
    const batch = bytes.subarray(position, position + header.sizeBytes)
    if (!header.control)
      for (const record of readRecords(batch, maxBatchBytes)) if (record.offset >= from) records.push(record)
    next = Math.max(next, header.baseOffset + header.lastOffsetDelta + 1)
    position += header.sizeBytes
  }
}

/** Merges the partitions by time without changing the order within a partition, and takes the first `limit`. */
function takeOldest(
  read: ReadonlyMap<number, PartitionRead>,
  from: ReadonlyMap<number, number>,
  limit: number,
): { taken: TopicRecord[]; next: Map<number, number> } {
  const taken: TopicRecord[] = []
  const next = new Map(from)
  const cursors = [...read].map(([partition, { records, next: end }]) => ({ partition, records, end, index: 0 }))
  while (taken.length < limit) {
    let first: (typeof cursors)[number] | undefined
    for (const cursor of cursors) {
      const record = cursor.records[cursor.index]
      if (record !== undefined && (first === undefined || record.timestamp < first.records[first.index]!.timestamp))
        first = cursor
    }
    if (first === undefined) break
    const record = first.records[first.index++]!
    taken.push(toTopicRecord(first.partition, record))
    next.set(first.partition, record.offset + 1)
  }
  for (const { partition, records, end, index } of cursors) if (index === records.length) next.set(partition, end)
  return { taken, next }
}

function toPositions(offsets: ReadonlyMap<number, number>): { partition: number; offset: number }[] {
  return [...offsets].map(([partition, offset]) => ({ partition, offset }))
}

function toTopicRecord(partition: number, record: KafkaRecord, maxBytes = shownBytes): TopicRecord {
  return {
    partition,
    offset: record.offset,
    timestamp: toTimestamp(record.timestamp),
    key: toRecordBytes(record.key, maxBytes),
    value: toRecordBytes(record.value, maxBytes),
    headers: record.headers.map(({ key, value }) => ({ key, value: toRecordBytes(value, maxBytes) })),
  }
}

/** A record may have any number as its timestamp; one that is out of range for dates is clamped. */
function toTimestamp(milliseconds: number): string {
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
  return new Date(Math.min(Math.max(milliseconds, 0), last)).toISOString()
}

function toRecordBytes(bytes: Buffer | null, maxBytes: number): RecordBytes | null {
  if (bytes === null) return null
  const shown = bytes.subarray(0, maxBytes)
  const sizes = { size_bytes: bytes.length, is_truncated: shown.length < bytes.length }
  const text = decodeUtf8(shown, sizes.is_truncated)
  return text === undefined
    ? { encoding: 'base64', data: shown.toString('base64'), ...sizes }
    : { encoding: 'utf8', data: text, ...sizes }
}

/** Undefined if it is not text. The last character of a truncated text may be incomplete and is left out. */
function decodeUtf8(bytes: Buffer, isCut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut })
  } catch {
    return undefined
  }
}
