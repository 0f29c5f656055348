// SyncGroup v0–v5: the leader submits the assignment of a generation, and every member waits for its part of it.
//
// v3 static members. v5 the protocol that the member assumes is checked (KIP-559).
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

/** From this version on, members must state the protocol that they assume. */
const NAMED_VERSION = 5

export default defineHandler('SyncGroup', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { version, access, broker }) {
    const { groupId, memberId } = request
    if (!access.allows('read', 'group', groupId)) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, assignment: Buffer.alloc(0) }
    }
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, assignment: Buffer.alloc(0) }
    const isNamed = request.protocolType !== null && request.protocolName !== null
    if (version >= NAMED_VERSION && !isNamed) {
      return { errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL, assignment: Buffer.alloc(0) }
    }
    const answer = await broker.groups.sync(groupId, {
      memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      protocolType: request.protocolType,
      protocol: request.protocolName,
      assignments: new Map(request.assignments.map(({ memberId: id, assignment }) => [id, Buffer.from(assignment)])),
    })
    const { errorCode, protocolType, protocol: protocolName, assignment } = answer
    return { errorCode, protocolType, protocolName, assignment }
  },
  failed: (_request, errorCode) => ({ errorCode, assignment: Buffer.alloc(0) }),
})
