// ListGroups v0–v5: all groups, with members or with offsets alone.
//
// v4 by state, v5 by type, whatever their case. States and types that nobody knows match nothing.
import { defineHandler } from '../handler.ts'

const groupType = 'classic'

export default defineHandler('ListGroups', {
  async handle({ statesFilter, typesFilter }, { broker }) {
    const states = new Set(statesFilter.map(state => state.toLowerCase()))
    const types = new Set(typesFilter.map(type => type.toLowerCase()))
    if (types.size > 0 && !types.has(groupType)) return { groups: [] }
    const groups = (await broker.groups.list()).filter(
      ({ group }) => states.size === 0 || states.has(group.phase.toLowerCase()),
    )
    return {
      groups: groups.map(({ id, group }) => ({
        groupId: id,
        protocolType: group.protocolType ?? '',
        groupState: group.phase,
        groupType,
      })),
    }
  },
})
