// ListConfigResources v0–v1: the resources that DescribeConfigs supports (KIP-1142).
//
// Behaviour: v0 requests client metrics. v1 by type; no type requests all. Groups are those with configs set on them.
import { ErrorCode } from '../../kafka/index.ts'
import { resourceTypes } from '../config-resources.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('ListConfigResources', {
  async handle(request, { version, access, broker }) {
    if (!allowsCluster(access, 'describe_configs')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, configResources: [] }
    }
    if (request.resourceTypes.some(type => !Object.values<number>(resourceTypes).includes(type))) {
      return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    }
    const [{ byName }] = await Promise.all([broker.metadata.refresh(), broker.settings.refresh()])
    const all = [
      ...named(byName.keys(), resourceTypes.topic),
      ...broker.cluster.brokers().flatMap(({ nodeId }) => [
        { resourceName: String(nodeId), resourceType: resourceTypes.broker },
        { resourceName: String(nodeId), resourceType: resourceTypes.brokerLogger },
      ]),
      ...named(broker.settings.all('client_metrics').keys(), resourceTypes.clientMetrics),
      ...named(broker.settings.all('group').keys(), resourceTypes.group),
    ]
    const wanted = new Set(version === 0 ? [resourceTypes.clientMetrics] : request.resourceTypes)
    return { configResources: all.filter(({ resourceType }) => wanted.size === 0 || wanted.has(resourceType)) }
  },
  failed: (_request, errorCode) => ({ errorCode, configResources: [] }),
})

function named(names: Iterable<string>, resourceType: number) {
  return Array.from(names, resourceName => ({ resourceName, resourceType }))
}
