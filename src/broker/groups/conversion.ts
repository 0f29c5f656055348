// Converts a running group: from the classic protocol when the first member of the new protocol joins, and back when
// the last one of them has left (KIP-848, "online migration").
import type { Catalog } from '../../metadata/index.ts'
import { type ClassicGroup, emptyGroup, type Member } from './classic-group.ts'
import { type ConsumerGroup, type ConsumerMember, emptyConsumerGroup } from './consumer-group.ts'
import { readAssignment, readSubscription, withIds, withNames, writeAssignment } from './consumer-protocol.ts'

/**
 * Converts a classic group to one of the `consumer` protocol, in which the members keep what they own. Undefined if its
 * members are not consumers, or cannot be parsed.
 */
export function consumerGroupOf(group: ClassicGroup, catalog: Catalog): ConsumerGroup | undefined {
  const { generation } = group
  if (group.members.size === 0) return { ...emptyConsumerGroup, epoch: generation, assignmentEpoch: generation }
  if (group.protocolType !== 'consumer') return undefined
  const members: ConsumerMember[] = []
  for (const member of group.members.values()) {
    const converted = consumerMemberOf(member, group, catalog)
    if (converted === undefined) return undefined
    members.push(converted)
  }
  return {
    ...emptyConsumerGroup,
    phase: 'Reconciling',
    epoch: generation,
    assignmentEpoch: generation,
    members: new Map(members.map(member => [member.id, member])),
    targets: new Map(members.map(({ id, assigned }) => [id, assigned])),
  }
}

/**
 * Converts a group whose members all speak the classic protocol to a classic group, in which they keep what they have.
 */
export function classicGroupOf(group: ConsumerGroup, catalog: Catalog): ClassicGroup {
  const members = [...group.members.values()].map(member => classicMemberOf(member, catalog))
  const epochs = Array.from(group.members.values(), ({ epoch }) => epoch)
  return {
    ...emptyGroup,
    phase: members.length === 0 ? 'Empty' : 'Stable',
    // Members continue at the epoch they have reached until they have rejoined, and none has reached a later one.
    generation: members.length === 0 ? group.epoch : epochs.reduce((a, b) => Math.max(a, b)),
    protocolType: members.length === 0 ? null : 'consumer',
    protocol: members[0]?.protocols[0]?.name ?? null,
    leader: members[0]?.id ?? null,
    members: new Map(members.map(member => [member.id, member])),
  }
}

function consumerMemberOf(member: Member, group: ClassicGroup, catalog: Catalog): ConsumerMember | undefined {
  const protocol = member.protocols.find(({ name }) => name === group.protocol) ?? member.protocols[0]
  const subscription = protocol && readSubscription(protocol.metadata)
  const assignment = readAssignment(member.assignment)
  if (subscription === undefined || assignment === undefined) return undefined
  return {
    id: member.id,
    instanceId: member.instanceId,
    rackId: null,
    clientId: member.clientId,
    clientHost: member.clientHost,
    epoch: group.generation,
    previousEpoch: group.generation,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    topicNames: subscription.topics,
    topicPattern: null,
    visibleTopics: null,
    assignor: null,
    assigned: withIds(assignment, catalog),
    revoking: new Map(),
    isWaiting: false,
    classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
  }
}

function classicMemberOf(member: ConsumerMember, catalog: Catalog): Member {
  return {
    id: member.id,
    instanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    sessionTimeoutMs: member.classic!.sessionTimeoutMs,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    protocols: member.classic!.protocols,
    assignment: writeAssignment(withNames(member.assigned, catalog)),
    joining: null,
    syncing: null,
    hasSynced: true,
  }
}
