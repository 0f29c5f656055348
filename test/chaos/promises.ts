// What clients were promised, compared with what is there.

/** What one writer sent to its partition, 0, 1, 2 and so on, each after the answer to the one before. */
export interface Written {
  readonly partition: number
  readonly acknowledged: readonly number[]
  /** Sent, and no answer came: they may be there, once. */
  readonly unknown: readonly number[]
}

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly value: number
}

export type Finding = string

/** Nothing acknowledged is lost, nothing is there twice, the order is that of sending, offsets are dense, commits are in range. */
export function checkPromises(
  written: readonly Written[],
  records: readonly ReadRecord[],
  committed: ReadonlyMap<number, number>,
): Finding[] {
  return written.flatMap(writer => {
    const { partition } = writer
    const found = records.filter(record => record.partition === partition)
    const findings = [...checkValues(writer, found), ...checkOrder(partition, found)]
    const offset = committed.get(partition) ?? -1
    if (offset > found.length) findings.push(`partition ${partition}: the group committed ${offset} of ${found.length}`)
    return findings
  })
}

function* checkValues({ partition, acknowledged, unknown }: Written, found: readonly ReadRecord[]): Generator<Finding> {
  const counts = new Map<number, number>()
  for (const { value } of found) counts.set(value, (counts.get(value) ?? 0) + 1)
  for (const value of acknowledged)
    if (!counts.has(value)) yield `partition ${partition}: ${value} was acknowledged and is lost`
  const sent = new Set([...acknowledged, ...unknown])
  for (const [value, count] of counts) {
    if (count > 1) yield `partition ${partition}: ${value} is there ${count} times`
    if (!sent.has(value)) yield `partition ${partition}: ${value} was never sent`
  }
}

function* checkOrder(partition: number, found: readonly ReadRecord[]): Generator<Finding> {
  for (const [index, { offset, value }] of found.entries()) {
    if (offset !== index) return yield `partition ${partition}: offset ${offset} follows ${index - 1}`
    const before = found[index - 1]
    if (before && before.value >= value) yield `partition ${partition}: ${value} comes after ${before.value}`
  }
}
