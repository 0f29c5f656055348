// ListGroups v0–v5: the groups that this broker coordinates, with members or only with offsets.
//
// v4 by state, v5 by type, ignoring case. Unknown states and types match nothing.
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('ListGroups', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ statesFilter, typesFilter }, { access, broker }) {
    const seesAll = allowsCluster(access, 'describe')
    const states = new Set(statesFilter.map(state => state.toLowerCase()))
    const types = new Set(typesFilter.map(type => type.toLowerCase()))
    const groups = (await broker.groups.list()).filter(
      ({ id, group }) =>
        (seesAll || access.allows('describe', 'group', id)) &&
        (types.size === 0 || types.has(group.type)) &&
        (states.size === 0 || states.has(group.phase.toLowerCase())),
    )
    return {
      groups: groups.map(({ id, group }) => ({
        groupId: id,
        protocolType: group.type === 'classic' ? (group.protocolType ?? '') : 'consumer',
        groupState: group.phase,
        groupType: group.type,
      })),
    }
  },
  failed: (_request, errorCode) => ({ errorCode, groups: [] }),
})
