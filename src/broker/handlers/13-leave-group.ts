// LeaveGroup v0–v5: removes members immediately instead of at the end of their sessions.
//
// v3 several members, each with its own result; static members can be identified by instance id alone.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('LeaveGroup', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { version, access, broker }) {
    const { groupId } = request
    if (!access.allows('read', 'group', groupId)) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, members: [] }
    }
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] }
    const leaving = version >= 3 ? request.members : [{ memberId: request.memberId, groupInstanceId: null }]
    const members = []
    for (const { memberId, groupInstanceId } of leaving) {
      const errorCode = await broker.groups.leave(groupId, { memberId, instanceId: groupInstanceId })
      members.push({ memberId, groupInstanceId, errorCode })
    }
    return version >= 3 ? { members } : { errorCode: members[0]!.errorCode, members: [] }
  },
  failed: (_request, errorCode) => ({ errorCode, members: [] }),
})
