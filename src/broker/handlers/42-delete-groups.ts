// DeleteGroups v0–v2: deletes groups without members, with their offsets (KIP-229).
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('DeleteGroups', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ groupsNames }, { access, broker }) {
    const remove = (groupId: string) => {
      if (!access.allows('delete', 'group', groupId)) return ErrorCode.GROUP_AUTHORIZATION_FAILED
      return groupId === '' ? ErrorCode.INVALID_GROUP_ID : broker.groups.delete(groupId)
    }
    const results = []
    for (const groupId of new Set(groupsNames)) {
      results.push({ groupId, errorCode: await remove(groupId) })
    }
    return { results }
  },
  failed: ({ groupsNames }, errorCode) => ({ results: groupsNames.map(groupId => ({ groupId, errorCode })) }),
})
