import type { Sql } from '../../database/index.ts'
import type { Assignment, Extent, NewBatch, NewObject } from '../metadata.ts'
import type { Committed, RememberedBatch } from '../plan.ts'
import type { PartitionRow, ProducerRow } from '../schema.ts'
import { EXTENTS, type ExtentRow, extentOf } from './log.ts'

/** The outcome of a commit whose answer was lost: it never happened, cannot be determined any more, or its result. */
export type Recalled = 'never' | 'unclear' | Committed

export const recallReads = {
  /** The objects of one commit are all known or all unknown, so the first tells whether it happened. */
  recallCommit: async (sql: Sql, objects: readonly NewObject[]): Promise<Recalled> => {
    const keys = objects.map(({ key }) => [key])
    const batches = objects.flatMap(object => object.batches)
    const known = await sql.all('SELECT id FROM objects WHERE key IN (SELECT key FROM ROWS(key text) AS r)', keys)
    if (known.length === 0) return 'never'
    const [extentRows, partitionRows, producerRows] = await Promise.all([
      sql.all<ExtentRow>(`${EXTENTS} WHERE o.key IN (SELECT key FROM ROWS(key text) AS r)`, keys),
      sql.all<Pick<PartitionRow, 'id' | 'log_start' | 'next_offset' | 'first_unstable' | 'size_bytes'>>(
        `SELECT id, log_start, next_offset, first_unstable, size_bytes FROM partitions
         WHERE id IN (SELECT id FROM ROWS(id integer) AS r)`,
        [...new Set(batches.map(({ partition }) => partition))].map(id => [id]),
      ),
      sql.all<Pick<ProducerRow, 'partition' | 'id' | 'batches'>>(
        `SELECT p.partition, p.id, p.batches FROM ROWS(partition integer, id integer) AS r
         CROSS JOIN producers AS p WHERE p.partition = r.partition AND p.id = r.id`,
        batches.filter(({ producerId }) => producerId >= 0).map(({ partition, producerId }) => [partition, producerId]),
      ),
    ])
    const extents = extentRows.map(extentOf)
    const logStarts = new Map(partitionRows.map(row => [row.id, row.log_start]))
    const remembered = new Map(
      // Only commits write the column.
      producerRows.map(row => [`${row.partition}/${row.id}`, JSON.parse(row.batches) as RememberedBatch[]]),
    )
    const assignments = objects.map(({ key, batches: ofObject }) =>
      ofObject.map(batch => {
        const logStart = logStarts.get(batch.partition)
        if (logStart === undefined) return unknownPartition
        const kept = remembered.get(`${batch.partition}/${batch.producerId}`)
        return accepted(extents, key, batch, ofObject, logStart) ?? refused(batch, logStart, kept)
      }),
    )
    const certain = assignments.map(ofObject => ofObject.filter(assignment => assignment !== undefined))
    if (certain.some((ofObject, index) => ofObject.length < assignments[index]!.length)) return 'unclear'
    const appended = partitionRows.flatMap(row => {
      const added = extents.filter(({ partition }) => partition === row.id)
      if (added.length === 0) return []
      return [
        {
          partition: row.id,
          // Others may have appended since, so only the bounds are current.
          extents: [],
          aborted: [],
          appendedBytes: added.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
          logStartOffset: row.log_start,
          highWatermark: row.next_offset,
          lastStableOffset: Math.max(row.first_unstable ?? row.next_offset, row.log_start),
          sizeBytes: row.size_bytes,
        },
      ]
    })
    return { assignments: certain, appended }
  },
}

const unknownPartition: Assignment = { ok: false, code: 'UNKNOWN_TOPIC_OR_PARTITION', logStartOffset: -1 }

/** The offset that a batch got, counted from the start of its extent. */
function accepted(
  extents: readonly Extent[],
  key: string,
  { partition, position }: NewBatch,
  batches: readonly NewBatch[],
  logStartOffset: number,
): Assignment | undefined {
  const extent = extents.find(
    one =>
      one.key === key &&
      one.partition === partition &&
      one.position <= position &&
      position < one.position + one.sizeBytes,
  )
  if (extent === undefined) return undefined
  const before = batches.filter(
    other => other.partition === partition && other.position >= extent.position && other.position < position,
  )
  const baseOffset = before.reduce((offset, { records }) => offset + records, extent.baseOffset)
  const { appendTimestamp } = extent
  return { ok: true, baseOffset, appendTimestamp, logStartOffset, duplicate: false }
}

/** The answer to a batch that is in no extent: a producer's batch was a duplicate or out of order. */
function refused(
  { producerId, baseSequence, transaction, fence }: NewBatch,
  logStartOffset: number,
  remembered: readonly RememberedBatch[] = [],
): Assignment | undefined {
  // Makes the coordinator look at the transaction again.
  if (transaction?.kind === 'marker') return { ok: false, code: 'CONCURRENT_TRANSACTIONS', logStartOffset }
  if (producerId < 0) return undefined
  const same = remembered.find(([first]) => first === baseSequence)
  // It may have been refused because of the transaction or the fence instead.
  if (same === undefined && (transaction !== null || fence !== undefined)) return undefined
  if (same === undefined) return { ok: false, code: 'OUT_OF_ORDER_SEQUENCE_NUMBER', logStartOffset }
  return { ok: true, baseOffset: same[2], appendTimestamp: -1, logStartOffset, duplicate: true }
}
