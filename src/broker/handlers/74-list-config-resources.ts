// ListConfigResources v0–v1: what DescribeConfigs can be asked about (KIP-1142).
//
// Behaviour: v0 asks for client metrics, of which there are none. v1 by type; no type asks for all.
import { ErrorCode } from '../../kafka/index.ts'
import { resourceTypes } from '../config-resources.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('ListConfigResources', {
  async handle(request, { version, access, broker }) {
    if (!allowsCluster(access, 'describe_configs')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, configResources: [] }
    }
    if (version === 0) return { configResources: [] }
    const { byName } = await broker.metadata.refresh()
    const all = [
      ...[...byName.keys()].map(resourceName => ({ resourceName, resourceType: resourceTypes.topic as number })),
      ...broker.cluster.brokers().flatMap(({ nodeId }) => [
        { resourceName: String(nodeId), resourceType: resourceTypes.broker as number },
        { resourceName: String(nodeId), resourceType: resourceTypes.brokerLogger as number },
      ]),
    ]
    const wanted = new Set(request.resourceTypes)
    return { configResources: all.filter(({ resourceType }) => wanted.size === 0 || wanted.has(resourceType)) }
  },
})
