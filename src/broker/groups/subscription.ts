import { Reader } from '../../kafka/index.ts'
import type { ClassicGroup } from './classic-group.ts'

/** The topics that a group's members are subscribed to; empty when its metadata is not that of consumers. */
export function subscribedTopics(group: ClassicGroup): ReadonlySet<string> {
  const topics = new Set<string>()
  if (group.protocolType !== 'consumer') return topics
  for (const member of group.members.values()) {
    const metadata = member.protocols.find(({ name }) => name === group.protocol)?.metadata
    for (const topic of metadata === undefined ? [] : topicsOf(metadata)) topics.add(topic)
  }
  return topics
}

/** A consumer's metadata begins with a version and its topics; what follows depends on the assignor. */
function topicsOf(metadata: Buffer): string[] {
  try {
    const reader = new Reader(metadata)
    reader.int16()
    return reader.array(0, item => item.string())
  } catch {
    // Members may send what they like; who does not say topics is subscribed to none.
    return []
  }
}
