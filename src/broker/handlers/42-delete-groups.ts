// DeleteGroups v0–v2: deletes groups without members, with their offsets (KIP-229).
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('DeleteGroups', {
  async handle({ groupsNames }, { broker }) {
    const results = []
    for (const groupId of new Set(groupsNames)) {
      const errorCode = groupId === '' ? ErrorCode.INVALID_GROUP_ID : await broker.groups.delete(groupId)
      results.push({ groupId, errorCode })
    }
    return { results }
  },
})
