import { ConfigError } from '../../engine/index.ts'

/** What the `topics` of an input select. */
export interface TopicSelection {
  /** Topics that are read as a whole. */
  readonly topics: readonly string[]
  /** Maps topic to partition to the offset to start at, or undefined for the input's default. */
  readonly partitions: ReadonlyMap<string, ReadonlyMap<number, bigint | undefined>>
}

/**
 * Parses `foo`, `foo,bar`, `foo:0` (partition), `foo:0-3` (a range of partitions) and `foo:0:25` (partition and
 * offset). Throws {@link ConfigError} for anything else.
 */
export function parseTopics(entries: readonly string[]): TopicSelection {
  const topics: string[] = []
  const partitions = new Map<string, Map<number, bigint | undefined>>()
  for (const entry of entries.flatMap(text => text.split(',')).map(text => text.trim())) {
    if (entry === '') continue
    const parts = entry.split(':')
    if (parts.length === 1) {
      topics.push(entry)
      continue
    }
    if (parts.length > 3) {
      throw new ConfigError(
        `topic '${entry}' is invalid, only one partition and an optional offset should be specified`,
      )
    }
    const topic = parts[0]!.trim()
    const offset = parts.length === 3 ? parseOffset(entry, parts[2]!) : undefined
    const chosen = partitions.get(topic) ?? new Map<number, bigint | undefined>()
    partitions.set(topic, chosen)
    for (const partition of parsePartitions(entry, parts[1]!)) {
      // An explicit offset takes precedence over a partition named without one, or with one that means the start or the
      // end.
      if ((offset !== undefined && offset >= 0n) || !chosen.has(partition)) chosen.set(partition, offset)
    }
  }
  return { topics, partitions }
}

function parsePartitions(entry: string, expression: string): number[] {
  if (expression === '') throw new ConfigError(`topic '${entry}' is invalid: empty partition expression`)
  const range = expression.split('-')
  if (range.length > 2) throw new ConfigError(`partition '${expression}' is invalid, only one range can be specified`)
  const [first, last = first] = range.map(text => parsePartition(entry, text))
  const partitions: number[] = []
  for (let partition = first!; partition <= last!; partition++) partitions.push(partition)
  return partitions
}

function parsePartition(entry: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ConfigError(`topic '${entry}' is invalid: failed to parse partition '${text}'`)
  return Number(text)
}

function parseOffset(entry: string, text: string): bigint {
  if (!/^-?\d{1,18}$/.test(text)) throw new ConfigError(`topic '${entry}' is invalid: failed to parse offset '${text}'`)
  return BigInt(text)
}
