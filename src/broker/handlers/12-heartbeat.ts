// Heartbeat v0–v4: keeps a member's session alive. The response tells it when it must rejoin.
//
// v3 static members.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('Heartbeat', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ groupId, generationId, memberId, groupInstanceId }, { access, broker }) {
    if (!access.allows('read', 'group', groupId)) return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED }
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
    const who = { generation: generationId, memberId, instanceId: groupInstanceId }
    return { errorCode: await broker.groups.heartbeat(groupId, who) }
  },
  failed: (_request, errorCode) => ({ errorCode }),
})
