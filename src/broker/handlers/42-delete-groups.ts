// DeleteGroups v0–v2: deletes groups without members, with their offsets (KIP-229).
import { ErrorCode } from '../../kafka/index.ts'
import type { CommittedOffset } from '../../metadata/index.ts'
import { type BrokerContext, defineHandler } from '../handler.ts'

export default defineHandler('DeleteGroups', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ groupsNames }, { access, broker }) {
    const remove = async (groupId: string): Promise<ErrorCode> => {
      if (!access.allows('delete', 'group', groupId)) return ErrorCode.GROUP_AUTHORIZATION_FAILED
      const offsets = await broker.metadata.groupOffsets(groupId)
      const errorCode = await broker.groups.delete(groupId)
      if (errorCode === ErrorCode.NONE) await tellGone(groupId, offsets, broker)
      return errorCode
    }
    const results = []
    for (const groupId of new Set(groupsNames)) {
      results.push({ groupId, errorCode: await remove(groupId) })
    }
    return { results }
  },
  failed: ({ groupsNames }, errorCode) => ({ results: groupsNames.map(groupId => ({ groupId, errorCode })) }),
})

async function tellGone(group: string, offsets: readonly CommittedOffset[], broker: BrokerContext): Promise<void> {
  const { byId } = broker.metadata.catalog()
  const gone = offsets.flatMap(({ topic: id, partition }) => {
    const topic = byId.get(id)
    return topic === undefined ? [] : [{ topic: topic.name, partition, committed: null }]
  })
  await broker.offsetsTopic.copy(group, gone)
}
