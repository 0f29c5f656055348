import type { Clock, Log, Random } from '../base/index.ts'
import { type Api, apis, type ErrorCode, type ErrorName } from '../kafka/index.ts'
import type { Fence, Metadata } from '../metadata/index.ts'
import type { ObjectStore } from '../storage/index.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerConfig } from './config.ts'
import type { Groups, OffsetsTopic } from './groups/index.ts'
import type { Leases } from './leases.ts'
import type { Holds, RecordLog } from './log/index.ts'
import type { Quotas } from './quotas/quotas.ts'
import type { RequestLimits } from './quotas/request-limits.ts'
import type { Access, AclAuthorizer } from './security/authorizer.ts'
import type { SaslSession } from './security/sasl.ts'
import type { ClusterSettings } from './settings.ts'
import type { ClientMetrics } from './telemetry/client-metrics.ts'
import type { TelemetryClient } from './telemetry/subscriptions.ts'
import type { Transactions } from './transactions/index.ts'

export type ApiName = keyof typeof apis

/** A decoded request of this API. */
export type RequestOf<Name extends ApiName> = ReturnType<(typeof apis)[Name]['decodeRequest']>

/** The input for encoding an answer of this API; defaults may be omitted. */
export type ResponseOf<Name extends ApiName> = Parameters<(typeof apis)[Name]['encodeResponse']>[2]

/** A handler's answer if the client expects none (Produce with acks=0). */
export const noResponse: unique symbol = Symbol('no response')

type Answer<Name extends ApiName> = ResponseOf<Name> | typeof noResponse

/**
 * Answers one API. `handle` is called in the order in which a connection's requests arrive, so whatever it does before
 * its first `await` keeps that order. Answers are sent in request order, whichever is ready first.
 */
export interface Handler<Name extends ApiName = ApiName> {
  /** The oldest advertised version, if it is not the schema's. */
  readonly minVersion?: number
  /** The newest advertised version, if it is not the schema's. */
  readonly maxVersion?: number
  /**
   * Requests of this API are handled while earlier ones of pipelined APIs are still unanswered (Produce). All others
   * wait until the connection's earlier requests are answered, as in Kafka.
   */
  readonly pipelined?: boolean
  /**
   * Once `handle` has resolved, nothing refers to slices of the request any more, so its memory can be reused
   * (Produce). Does not apply if the client expects no answer.
   */
  readonly releasesRequest?: boolean
  /**
   * The error while the metadata or the store is unavailable, which makes
   * clients retry; defaults to KAFKA_STORAGE_ERROR.
   */
  readonly unavailable?: ErrorName
  handle(request: RequestOf<Name>, context: RequestContext): Promise<Answer<Name>> | Answer<Name>
  /**
   * The answer if `handle` threw: everything requested has this error. Undefined closes the connection, which is right
   * if the answer has no field for an error, or if clients take any error in it as final.
   */
  failed(request: RequestOf<Name>, errorCode: ErrorCode, context: RequestContext): ResponseOf<Name> | undefined
}

/** A handler as the dispatcher sees it, regardless of its message types. */
export interface AnyHandler {
  readonly api: Api<unknown, never, unknown, unknown>
  readonly minVersion: number
  readonly maxVersion: number
  readonly pipelined: boolean
  readonly releasesRequest: boolean
  readonly unavailable: ErrorName
  handle(request: unknown, context: RequestContext): unknown
  failed(request: unknown, errorCode: ErrorCode, context: RequestContext): unknown
}

/** Declares the handler of an API; the default export of `handlers/NN-name.ts`. */
export function defineHandler<Name extends ApiName>(name: Name, handler: Handler<Name>): AnyHandler {
  // The dispatcher decodes a request with the same API that it passes it to, which the types cannot express.
  const api = apis[name] as unknown as AnyHandler['api']
  const { minVersion = api.minVersion, maxVersion = api.maxVersion, pipelined = false } = handler
  const { releasesRequest = false, unavailable = 'KAFKA_STORAGE_ERROR' } = handler
  return {
    api,
    minVersion,
    maxVersion,
    pipelined,
    releasesRequest,
    unavailable,
    // Requests are decoded by the API with the same name as the handler.
    handle: (request, context) => handler.handle(request as RequestOf<Name>, context),
    // As above.
    failed: (request, errorCode, context) => handler.failed(request as RequestOf<Name>, errorCode, context),
  }
}

/** The context of a request that a handler receives. */
export interface RequestContext {
  readonly version: number
  /** Null if the client sends none. */
  readonly clientId: string | null
  /** Fences the client's writes, if another client may take over from it. */
  readonly fence: Fence | undefined
  readonly connection: ConnectionInfo
  /** What the client may do; to be checked before anything about a resource is revealed or changed. */
  readonly access: Access
  /** The client's quotas. */
  readonly limits: RequestLimits
  /** Protects memory from reuse until the answer is sent. */
  readonly holds: Holds
  /**
   * Closes the connection, with the reason for the log: the only signal of failure to a client that expects no answer.
   */
  readonly hangUp: (reason: string) => void
  readonly broker: BrokerContext
}

export interface ConnectionInfo {
  /** Unique in this process. */
  readonly id: number
  /** The client's address without its port. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** The name and version that the client sends in ApiVersions; empty if it sends none. */
  software: { readonly name: string; readonly version: string }
  /** Aborts when the connection is closed or the broker closes: the response is no longer needed. */
  readonly signal: AbortSignal
  /** The state of the client's authentication; undefined on a port without SASL. */
  readonly sasl: SaslSession | undefined
}

/** What the handlers share; they keep no state themselves. */
export interface BrokerContext {
  /** Includes settings changed at runtime: a new object after each change. */
  readonly config: BrokerConfig
  readonly settings: ClusterSettings
  readonly quotas: Quotas
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metadata: Metadata
  /** The brokers of the cluster, and which one serves what. */
  readonly cluster: Cluster
  /** The bucket, as far as handlers need it: records go through `records`. */
  readonly store: Pick<ObjectStore, 'capacity'>
  /** The partitions' records: append, fetch, look up. */
  readonly records: RecordLog
  /** The leases of this broker. */
  readonly leases: Leases
  readonly groups: Groups
  /** The copy of committed offsets for monitors. */
  readonly offsetsTopic: OffsetsTopic
  readonly transactions: Transactions
  readonly authorizer: AclAuthorizer
  readonly telemetry: ClientMetrics
  /** All handlers, which ApiVersions advertises. */
  readonly handlers: readonly AnyHandler[]
}

/** The client of a request, as metrics subscriptions select it. */
export function telemetryClientOf(id: string, { clientId, connection }: RequestContext): TelemetryClient {
  return {
    client_instance_id: id,
    client_id: clientId ?? '',
    client_software_name: connection.software.name,
    client_software_version: connection.software.version,
    client_source_address: connection.remoteAddress,
    client_source_port: String(connection.remotePort),
  }
}
