// DescribeCluster v0–v2: the brokers, the controller and the cluster's id (KIP-700).
//
// v1 states whether brokers or controllers are requested; clients only ever reach
// brokers. v2 fenced brokers: there are none.
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { clusterResource } from '../security/acls.ts'
import { authorizedOperations, operationsNotAsked } from '../security/authorizer.ts'

const brokersType = 1
const controllersType = 2

export default defineHandler('DescribeCluster', {
  handle(request, { access, broker, clientId }) {
    const { metadata } = broker
    const cluster = broker.cluster.seenBy(clientId)
    if (request.endpointType !== brokersType) {
      const errorCode =
        request.endpointType === controllersType
          ? ErrorCode.MISMATCHED_ENDPOINT_TYPE
          : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
      return { errorCode, errorMessage: errorMessage(errorCode), clusterId: metadata.clusterId, brokers: [] }
    }
    return {
      endpointType: brokersType,
      clusterId: metadata.clusterId,
      controllerId: cluster.controller().nodeId,
      brokers: cluster.brokers().map(({ nodeId, host, port, rack }) => ({ brokerId: nodeId, host, port, rack })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? authorizedOperations(access, 'cluster', clusterResource)
        : operationsNotAsked,
    }
  },
  failed: (_request, errorCode) => ({ errorCode, clusterId: '', brokers: [] }),
})
