// DeleteAcls v1–v3: removes the ACLs that match filters, and returns them.
import { ErrorCode, errorMessage, KafkaError } from '../../kafka/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'
import type { Acl } from '../security/acls.ts'
import { readFilter, writeAcl } from '../security/acl-wire.ts'
import { allowsCluster, securityDisabled } from '../security/authorizer.ts'

type Result = ResponseOf<'DeleteAcls'>['filterResults'][number]

export default defineHandler('DeleteAcls', {
  async handle({ filters }, { access, broker }) {
    const { authorizer, metadata } = broker
    if (!authorizer.isEnabled) return { filterResults: filters.map(() => ({ ...securityDisabled, matchingAcls: [] })) }
    if (!allowsCluster(access, 'alter')) {
      const errorCode = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      const refusal = { errorCode, errorMessage: errorMessage(errorCode), matchingAcls: [] }
      return { filterResults: filters.map(() => refusal) }
    }
    await authorizer.refresh()
    const remove: Acl[] = []
    const filterResults = filters.map((filter): Result => {
      try {
        const matching = authorizer.acls.find(readFilter(filter))
        remove.push(...matching)
        return { errorCode: ErrorCode.NONE, errorMessage: null, matchingAcls: matching.map(writeAcl) }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { errorCode: error.code, errorMessage: error.message, matchingAcls: [] }
      }
    })
    if (remove.length > 0) authorizer.adopt(await metadata.changeAcls({ add: [], remove }))
    return { filterResults }
  },
  failed: ({ filters }, errorCode) => ({ filterResults: filters.map(() => ({ errorCode, matchingAcls: [] })) }),
})
