// DescribeGroups v0–v6: a group's state, members and their assignments.
//
// Behaviour: an unknown group, and one of another protocol, is reported as dead, without an error before v6 (KIP-1043).
// v3 authorized operations. v4 instance ids.
import { ErrorCode } from '../../kafka/index.ts'
import type { ClassicGroup, Group } from '../groups/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'
import { authorizedOperations, operationsNotAsked } from '../security/authorizer.ts'

type Described = ResponseOf<'DescribeGroups'>['groups'][number]

export default defineHandler('DescribeGroups', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { version, access, broker }) {
    const groups: Described[] = []
    for (const groupId of request.groups) {
      if (!access.allows('describe', 'group', groupId)) {
        groups.push(missing(groupId, ErrorCode.GROUP_AUTHORIZATION_FAILED, version))
        continue
      }
      const { errorCode, group } = await broker.groups.describe(groupId)
      const answer = answerFor(groupId, errorCode, group, version)
      const tellsOperations = request.includeAuthorizedOperations && (answer.errorCode ?? 0) === ErrorCode.NONE
      groups.push({
        ...answer,
        authorizedOperations: tellsOperations ? authorizedOperations(access, 'group', groupId) : operationsNotAsked,
      })
    }
    return { groups }
  },
  failed: ({ groups }, errorCode, { version }) => ({
    groups: groups.map(groupId => missing(groupId, errorCode, version)),
  }),
})

function answerFor(groupId: string, errorCode: ErrorCode, group: Group | undefined, version: number): Described {
  if (group?.type === 'classic') return describe(groupId, group)
  return missing(groupId, group === undefined ? errorCode : ErrorCode.GROUP_ID_NOT_FOUND, version)
}

function missing(groupId: string, errorCode: ErrorCode, version: number): Described {
  const isUnknown = errorCode === ErrorCode.GROUP_ID_NOT_FOUND
  return {
    errorCode: isUnknown && version < 6 ? ErrorCode.NONE : errorCode,
    errorMessage: isUnknown && version >= 6 ? `There is no classic group ${groupId}.` : null,
    groupId,
    groupState: isUnknown ? 'Dead' : '',
    protocolType: '',
    protocolData: '',
    members: [],
  }
}

function describe(groupId: string, group: ClassicGroup): Described {
  const isStable = group.phase === 'Stable'
  return {
    groupId,
    groupState: group.phase,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocol ?? '') : '',
    members: [...group.members.values()].map(member => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: (isStable && member.protocols.find(({ name }) => name === group.protocol)?.metadata) || noBytes,
      memberAssignment: isStable ? member.assignment : noBytes,
    })),
  }
}

const noBytes = Buffer.alloc(0)
