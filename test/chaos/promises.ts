// Compares what clients were promised with what is there.

/** What one writer sent to its partition: 0, 1, 2 and so on, each after the response to the previous one. */
export interface Written {
  readonly partition: number
  readonly acknowledged: readonly number[]
  /** Sent without receiving a response: they may be there, once. */
  readonly unknown: readonly number[]
}

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly value: number
}

export type Finding = string

/**
 * Nothing acknowledged is lost, nothing is duplicated, the order is that of sending, offsets are dense, commits are in
 * range.
 */
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

/**
 * How a transaction ended as far as its producer knows. One whose commit was not requested is aborted, now or when the
 * next producer with its id starts; one whose commit was requested without a response may have ended either way.
 */
export type Outcome = 'committed' | 'aborted' | 'unknown'

/**
 * The transactions of one producer, numbered from 0: each writes its number to every partition and commits an offset.
 */
export interface TransactionsWritten {
  readonly name: string
  readonly partitions: number
  readonly outcomes: readonly Outcome[]
}

export interface TransactionRecord {
  readonly partition: number
  readonly name: string
  readonly number: number
}

/**
 * Checks what a reader of committed records sees: all of a transaction or nothing of it, once, in the order of the
 * transactions, and the offset committed with the last one.
 */
export function checkTransactions(
  { name, partitions, outcomes }: TransactionsWritten,
  records: readonly TransactionRecord[],
  committedOffset: number,
): Finding[] {
  const own = records.filter(record => record.name === name)
  const findings: Finding[] = []
  for (const [number, outcome] of outcomes.entries()) {
    const seen = own.filter(record => record.number === number).map(({ partition }) => partition)
    const isWhole = seen.length === partitions && new Set(seen).size === partitions
    const isRight = outcome === 'committed' ? isWhole : seen.length === 0 || (outcome === 'unknown' && isWhole)
    if (!isRight) findings.push(`${name}: ${number} was ${outcome} and is in the partitions [${seen.join()}]`)
  }
  for (let partition = 0; partition < partitions; partition++) {
    const numbers = own.filter(record => record.partition === partition).map(({ number }) => number)
    for (const [index, number] of numbers.entries()) {
      if (number >= outcomes.length) findings.push(`${name}: ${number} was never sent`)
      if (index > 0 && numbers[index - 1]! >= number)
        findings.push(`${name}, partition ${partition}: ${number} comes after ${numbers[index - 1]}`)
    }
  }
  const expected = own.length === 0 ? -1 : Math.max(...own.map(({ number }) => number)) + 1
  if (committedOffset !== expected)
    findings.push(`${name}: the offset is ${committedOffset}, that of the last transaction is ${expected}`)
  return findings
}
