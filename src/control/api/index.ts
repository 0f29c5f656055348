import type { ApiName, ApiRequest, RelayedName } from '../api-types.ts'
import { authorize, type Caller } from '../access.ts'
import { accessLevels } from '../contract/access.ts'
import type { Endpoint } from '../contract/endpoint.ts'
import { contract } from '../contract/index.ts'
import type { ControlPlane } from '../control-plane.ts'
import { ControlError } from '../errors.ts'
import type { Fleet } from '../fleet.ts'
import type { SessionCookie } from '../session-cookie.ts'
import { clusterHandlers } from './clusters.ts'
import type { Call, ClusterCall, Handlers } from './endpoint.ts'
import { keyHandlers } from './keys.ts'
import { pipelineHandlers } from './pipelines.ts'
import { readRequest } from './request.ts'
import { securityHandlers } from './security.ts'
import { sessionHandlers } from './sessions.ts'
import { statusHandlers } from './status.ts'
import { virtualClusterHandlers } from './virtual-clusters.ts'

const handlers: Handlers<Exclude<ApiName, RelayedName>> = {
  ...clusterHandlers,
  ...keyHandlers,
  ...pipelineHandlers,
  ...securityHandlers,
  ...sessionHandlers,
  ...statusHandlers,
  ...virtualClusterHandlers,
}

/** Answers one API call: finds the endpoint, reads the request, authorizes the caller and calls the handler. */
export async function answerCall(
  plane: ControlPlane,
  name: string,
  body: unknown,
  { caller, cookie }: { readonly caller: Caller | undefined; readonly cookie: SessionCookie },
): Promise<object> {
  // Object.hasOwn does not narrow a name.
  const endpoint = Object.hasOwn(contract, name) ? contract[name as ApiName] : undefined
  const needs = accessLevels[endpoint?.access ?? 'application']
  // A caller without a key learns nothing, not even which endpoints exist.
  if (caller === undefined || needs.grant !== 'cluster') authorize(needs, caller)
  if (endpoint === undefined) throw new ControlError('unknown_endpoint', `there is no endpoint ${JSON.stringify(name)}`)
  const request = readRequest(endpoint.request, body)
  const call: Call = { plane, caller, cookie }
  if (!('virtual_cluster_id' in request)) {
    if (!needs.readOnlyKey) plane.checkAcceptsChanges()
    return handle(name as keyof typeof handlers, call, request) // found in the contract, whose names handlers have
  }
  authorize(needs, caller, request.virtual_cluster_id)
  if (!needs.readOnlyKey) plane.checkAcceptsChanges()
  const cluster = await plane.cluster(request.virtual_cluster_id)
  const fleet = plane.fleet(cluster.id)
  // These requests are relayed to an agent; the request was checked by the schema of this name.
  if (endpoint.answeredBy === 'agent') return relay(name as RelayedName, fleet, request as ApiRequest<RelayedName>)
  // All others have a handler.
  return handle(name as keyof typeof handlers, { ...call, cluster, fleet }, request)
}

function handle(name: keyof typeof handlers, call: Call | ClusterCall, request: unknown): Promise<object> {
  // The request was read by the schema of this name, and clusters are resolved for the requests that name one.
  const handler = handlers[name] as (call: Call | ClusterCall, request: unknown) => Promise<object>
  return handler(call, request)
}

/** Has an agent answer, and announces what changed as a result. */
async function relay(name: RelayedName, fleet: Fleet, request: ApiRequest<RelayedName>): Promise<object> {
  const response = await fleet.ask(name, request)
  const { changes }: Endpoint = contract[name]
  if (changes !== undefined) fleet.announce(changes)
  return response
}
