// DescribeAcls v1–v3: the ACLs that match a filter, by resource.
import { ErrorCode, errorMessage, KafkaError } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { readFilter, writeAcl } from '../security/acl-wire.ts'
import { allowsCluster, securityDisabled } from '../security/authorizer.ts'

export default defineHandler('DescribeAcls', {
  handle(request, { access, broker }) {
    const { authorizer } = broker
    if (!authorizer.isEnabled) return { ...securityDisabled, resources: [] }
    if (!allowsCluster(access, 'describe')) return refuse(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    try {
      const found = authorizer.acls.find(readFilter(request)).map(writeAcl)
      const byResource = Map.groupBy(found, acl => `${acl.resourceType}/${acl.patternType}/${acl.resourceName}`)
      const resources = [...byResource.values()].map(acls => {
        const { resourceType, resourceName, patternType } = acls[0]!
        return { resourceType, resourceName, patternType, acls }
      })
      return { errorCode: ErrorCode.NONE, errorMessage: null, resources }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return refuse(error.code, error.message)
    }
  },
  failed: (_request, errorCode) => ({ errorCode, resources: [] }),
})

function refuse(errorCode: ErrorCode, message = errorMessage(errorCode)) {
  return { errorCode, errorMessage: message, resources: [] }
}
