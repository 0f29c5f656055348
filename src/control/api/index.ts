import type { ApiName } from '../api-types.ts'
import { clusterEndpoints } from './clusters.ts'
import type { EndpointHandler, Endpoints } from './endpoint.ts'
import { pipelineEndpoints } from './pipelines.ts'
import { statusEndpoints } from './status.ts'
import { relayedEndpoints } from './topics.ts'

/** Those that set and take the session cookie are part of the server. */
type SessionEndpoint = 'create_session' | 'describe_session' | 'delete_session'

const endpoints: Endpoints<Exclude<ApiName, SessionEndpoint>> = {
  ...clusterEndpoints,
  ...pipelineEndpoints,
  ...relayedEndpoints,
  ...statusEndpoints,
}

/** The endpoint of that name, if there is one. */
export function findEndpoint(name: string): EndpointHandler<ApiName> | undefined {
  if (!Object.hasOwn(endpoints, name)) return undefined
  // Each handler reads the very request that it answers, so that the pair is right for whatever name it is.
  return endpoints[name as keyof typeof endpoints] as unknown as EndpointHandler<ApiName>
}
