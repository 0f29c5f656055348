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

/** What a request of this API decodes to. */
export type RequestOf<Name extends ApiName> = ReturnType<(typeof apis)[Name]['decodeRequest']>

/** What an answer of this API is written from; defaults may be left out. */
export type ResponseOf<Name extends ApiName> = Parameters<(typeof apis)[Name]['encodeResponse']>[2]

/** A handler's answer when the client expects none (Produce with acks=0). */
export const noResponse: unique symbol = Symbol('no response')

type Answer<Name extends ApiName> = ResponseOf<Name> | typeof noResponse

/**
 * Answers one API. `handle` is called in the order in which a connection's requests arrive; what it does before its
 * first `await` therefore keeps that order. Answers are sent in request order, whichever is ready first.
 */
export interface Handler<Name extends ApiName = ApiName> {
  /** The oldest version that is advertised, when it is not the schema's. */
  readonly minVersion?: number
  /** The newest version that is advertised, when it is not the schema's. */
  readonly maxVersion?: number
  /**
   * Requests of this API are handled while earlier ones of pipelined APIs are not answered yet (Produce).
   * All others wait until the connection's earlier requests are answered, as in Kafka.
   */
  readonly pipelined?: boolean
  /**
   * Once `handle` has resolved, nothing refers to slices of the request any more, so that its memory can be used again
   * (Produce). Not so where the client expects no answer.
   */
  readonly letsGoOfRequest?: boolean
  /** What clients are told while the metadata or the store cannot be used, so that they retry: KAFKA_STORAGE_ERROR by default. */
  readonly unavailable?: ErrorName
  handle(request: RequestOf<Name>, context: RequestContext): Promise<Answer<Name>> | Answer<Name>
  /**
   * The answer when `handle` threw: all that was asked for has this error. Undefined closes the connection, which is right
   * where the answer has no place for an error, or where clients take any error in it for a final one.
   */
  failed(request: RequestOf<Name>, errorCode: ErrorCode, context: RequestContext): ResponseOf<Name> | undefined
}

/** A handler as the dispatcher sees it, whatever its messages are. */
export interface AnyHandler {
  readonly api: Api<unknown, never, unknown, unknown>
  readonly minVersion: number
  readonly maxVersion: number
  readonly pipelined: boolean
  readonly letsGoOfRequest: boolean
  readonly unavailable: ErrorName
  handle(request: unknown, context: RequestContext): unknown
  failed(request: unknown, errorCode: ErrorCode, context: RequestContext): unknown
}

/** Declares the handler of an API; the default export of `handlers/NN-name.ts`. */
export function defineHandler<Name extends ApiName>(name: Name, handler: Handler<Name>): AnyHandler {
  // The dispatcher decodes a request with the same API that it hands on, which the types cannot say.
  const api = apis[name] as unknown as AnyHandler['api']
  const { minVersion = api.minVersion, maxVersion = api.maxVersion, pipelined = false } = handler
  const { letsGoOfRequest = false, unavailable = 'KAFKA_STORAGE_ERROR' } = handler
  return {
    api,
    minVersion,
    maxVersion,
    pipelined,
    letsGoOfRequest,
    unavailable,
    // Requests are decoded by the api of the same name as the handler.
    handle: (request, context) => handler.handle(request as RequestOf<Name>, context),
    // The same.
    failed: (request, errorCode, context) => handler.failed(request as RequestOf<Name>, errorCode, context),
  }
}

/** What a handler knows beside the request itself. */
export interface RequestContext {
  readonly version: number
  /** Null when the client gives none. */
  readonly clientId: string | null
  /** Where another client may take over from this one: its right to write. */
  readonly fence: Fence | undefined
  readonly connection: ConnectionInfo
  /** What the client may do; asked before anything is told of a resource or done to it. */
  readonly access: Access
  /** What the client may use. */
  readonly limits: RequestLimits
  /** Memory that has to stay as it is until the answer is sent. */
  readonly holds: Holds
  /** Closes the connection, with the reason for the log: the only sign of failure where the client expects no answer. */
  readonly hangUp: (reason: string) => void
  readonly broker: BrokerContext
}

export interface ConnectionInfo {
  /** Unique in this process. */
  readonly id: number
  /** The client's address without its port. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** What the client says that it is, in ApiVersions; empty for one that does not. */
  software: { readonly name: string; readonly version: string }
  /** Aborts when the connection is gone or the broker closes: the response is no longer needed. */
  readonly signal: AbortSignal
  /** How the client authenticates; undefined on a port without SASL. */
  readonly sasl: SaslSession | undefined
}

/** All that the handlers share; they keep no state of their own. */
export interface BrokerContext {
  /** With what was changed while the broker runs: another object after each change. */
  readonly config: BrokerConfig
  readonly settings: ClusterSettings
  readonly quotas: Quotas
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metadata: Metadata
  /** Which brokers there are, and which of them serves what. */
  readonly cluster: Cluster
  /** The bucket, as far as handlers look at it: records go through `records`. */
  readonly store: Pick<ObjectStore, 'capacity'>
  /** The partitions' records: append, fetch, look up. */
  readonly records: RecordLog
  /** What this broker alone may act for. */
  readonly leases: Leases
  readonly groups: Groups
  /** The copy of what groups commit, for monitors. */
  readonly offsetsTopic: OffsetsTopic
  readonly transactions: Transactions
  readonly authorizer: AclAuthorizer
  readonly telemetry: ClientMetrics
  /** What ApiVersions advertises: every handler there is. */
  readonly handlers: readonly AnyHandler[]
}

/** The client of a request as subscriptions for its metrics select it. */
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
