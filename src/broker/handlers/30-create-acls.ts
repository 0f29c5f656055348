// CreateAcls v1–v3: adds ACLs, each with its own result. One that already exists is not an error.
import { ErrorCode, errorMessage, KafkaError } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import type { Acl } from '../security/acls.ts'
import { readAcl } from '../security/acl-wire.ts'
import { allowsCluster, securityDisabled } from '../security/authorizer.ts'

export default defineHandler('CreateAcls', {
  async handle({ creations }, { access, broker }) {
    const { authorizer, metadata } = broker
    if (!authorizer.isEnabled) return { results: creations.map(() => securityDisabled) }
    if (!allowsCluster(access, 'alter')) {
      const errorCode = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      return { results: creations.map(() => ({ errorCode, errorMessage: errorMessage(errorCode) })) }
    }
    const add: Acl[] = []
    const results = creations.map(creation => {
      try {
        add.push(readAcl(creation))
        return { errorCode: ErrorCode.NONE, errorMessage: null }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { errorCode: error.code, errorMessage: error.message }
      }
    })
    if (add.length > 0) authorizer.adopt(await metadata.changeAcls({ add, remove: [] }))
    return { results }
  },
  failed: ({ creations }, errorCode) => ({ results: creations.map(() => ({ errorCode })) }),
})
