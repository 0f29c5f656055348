import { Reader } from '../../kafka/index.ts'
import type { ClassicGroup } from './classic-group.ts'

/**
 * The topics that a group's members subscribe to: empty if they are not consumers, undefined if
 * a member's subscription cannot be parsed.
 */
export function subscribedTopics(group: ClassicGroup): ReadonlySet<string> | undefined {
  const topics = new Set<string>()
  if (group.protocolType !== 'consumer') return topics
  for (const member of group.members.values()) {
    const metadata = member.protocols.find(({ name }) => name === group.protocol)?.metadata
    const named = metadata === undefined ? [] : topicsOf(metadata)
    if (named === undefined) return undefined
    for (const topic of named) topics.add(topic)
  }
  return topics
}

/** A consumer's metadata begins with a version and its topics; the rest depends on the assignor. */
function topicsOf(metadata: Buffer): string[] | undefined {
  try {
    const reader = new Reader(metadata)
    reader.int16()
    return reader.array(0, item => item.string())
  } catch {
    // Members may send anything.
    return undefined
  }
}
