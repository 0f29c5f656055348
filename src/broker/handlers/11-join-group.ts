// JoinGroup v0–v9: a member joins a group's next generation, and waits until all others have.
//
// Behaviour: the state machine of groups/classic-group.ts. v1 the rebalance timeout; before, it is the session timeout.
// v4 a new member without an id gets one and must join again with it (KIP-394). v5 static members (KIP-345). v9 a
// static leader that rejoins skips the assignment (KIP-814).
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'

export default defineHandler('JoinGroup', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { version, clientId, connection, access, broker }) {
    const { groupId, memberId, groupInstanceId: instanceId, sessionTimeoutMs } = request
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = broker.config
    const refuse = (errorCode: ErrorCode) => refused(version, memberId, errorCode)
    if (!access.allows('read', 'group', groupId)) return refuse(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if (groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID)
    if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
      return refuse(ErrorCode.INVALID_SESSION_TIMEOUT)
    }
    const answer = await broker.groups.join(groupId, {
      memberId,
      instanceId,
      requireKnownMemberId: version >= 4 && instanceId === null,
      canSkipAssignment: version >= 9,
      clientId: clientId ?? '',
      clientHost: `/${connection.remoteAddress}`,
      sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
      protocolType: request.protocolType,
      // Copied: the request's frame is large compared to what is kept of it for as long as the member lives.
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    })
    return {
      errorCode: answer.errorCode,
      generationId: answer.generation,
      protocolType: answer.protocolType,
      protocolName: answer.protocol ?? noProtocol(version),
      leader: answer.leader,
      skipAssignment: answer.skipAssignment,
      memberId: answer.memberId,
      members: answer.members.map(({ id, instanceId: groupInstanceId, metadata }) => ({
        memberId: id,
        groupInstanceId,
        metadata,
      })),
    }
  },
  failed: ({ memberId }, errorCode, { version }) => refused(version, memberId, errorCode),
})

function refused(version: number, memberId: string, errorCode: ErrorCode): ResponseOf<'JoinGroup'> {
  return { errorCode, protocolName: noProtocol(version), leader: '', memberId, members: [] }
}

/** Null is legal only from v7 on. */
function noProtocol(version: number): string | null {
  return version >= 7 ? null : ''
}
