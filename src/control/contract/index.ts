// The HTTP API: every endpoint is declared here once, with the schemas of its request and response and the access it
// needs. Types, request checks, docs/reference/http-api.md and the OpenAPI document are derived from these values.
import { clusterEndpoints } from './clusters.ts'
import { consumerGroupEndpoints } from './consumer-groups.ts'
import type { Endpoint, Shape } from './endpoint.ts'
import { keyEndpoints } from './keys.ts'
import { pipelineEndpoints } from './pipelines.ts'
import { securityEndpoints } from './security.ts'
import { sessionEndpoints } from './sessions.ts'
import { statusEndpoints } from './status.ts'
import { topicEndpoints } from './topics.ts'

export const contract = {
  ...clusterEndpoints,
  ...pipelineEndpoints,
  ...statusEndpoints,
  ...topicEndpoints,
  ...consumerGroupEndpoints,
  ...keyEndpoints,
  ...securityEndpoints,
  ...sessionEndpoints,
} as const satisfies Readonly<Record<string, Endpoint>>

type Contract = typeof contract
export type ApiName = keyof Contract
export type ApiRequest<Name extends ApiName> = Shape<Contract[Name]['request']>
export type ApiResponse<Name extends ApiName> = Shape<Contract[Name]['response']>

/** Endpoints that an agent answers. */
export type RelayedName = { [Name in ApiName]: Contract[Name]['answeredBy'] extends 'agent' ? Name : never }[ApiName]

/** Endpoints whose request names a cluster. */
export type ClusterName = {
  [Name in ApiName]: Contract[Name]['access'] extends `cluster_${string}` ? Name : never
}[ApiName]
