import type { Caller } from '../access.ts'
import type { ApiName, ApiRequest, ApiResponse, ClusterName } from '../api-types.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { Fleet } from '../fleet.ts'
import type { Cluster } from '../model.ts'
import type { SessionCookie } from '../session-cookie.ts'

/** What a handler gets in addition to the request. The caller is already authorized. */
export interface Call {
  readonly plane: ControlPlane
  /** Undefined for public endpoints called without a key. */
  readonly caller: Caller | undefined
  readonly cookie: SessionCookie
}

/** The call of an endpoint whose request names a cluster. */
export interface ClusterCall extends Call {
  readonly cluster: Cluster
  readonly fleet: Fleet
}

/** Answers an endpoint of the contract. */
type Handler<Name extends ApiName> = (
  call: Name extends ClusterName ? ClusterCall : Call,
  request: ApiRequest<Name>,
) => Promise<ApiResponse<Name>>

/** The handlers of some endpoints, by name. */
export type Handlers<Names extends ApiName> = { readonly [Name in Names]: Handler<Name> }
