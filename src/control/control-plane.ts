import { createHash } from 'node:crypto'
import { type Clock, type Log, type Random, waitOrAbort } from '../base/index.ts'
import type { AgentLink, RelayedName } from './agent-link.ts'
import type { ApiRequest, ApiResponse } from './api-types.ts'
import { Changes } from './changes.ts'
import { ensureFirstCluster, type FirstCluster } from './clusters.ts'
import { ControlError } from './errors.ts'
import { Fleet } from './fleet.ts'
import { newSecret } from './ids.ts'
import type { Cluster } from './model.ts'
import { type PipelineLinter, Pipelines } from './pipelines.ts'
import { Relay } from './relay.ts'
import { StatusBoard } from './status-board.ts'
import type { Database } from './store/database.ts'
import * as store from './store/store.ts'

const tickMs = 1000
const sessionMs = 30 * 24 * 3600 * 1000

export interface ControlPlaneOptions {
  readonly database: Database
  readonly lint: PipelineLinter
  /** JSON Schema of a pipeline configuration. */
  readonly jsonSchema: () => Promise<Readonly<Record<string, unknown>>>
  readonly version: string
  /** Everything is lost at the end of the process; people are told. */
  readonly isEphemeral: boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Who asks. */
export type Caller =
  | { readonly kind: 'application' }
  /** An agent of one cluster. */
  | { readonly kind: 'agent'; readonly clusterId: string }

/** The control plane without its HTTP server: what a cluster's pipelines shall do, and who does it. */
export class ControlPlane {
  readonly options: ControlPlaneOptions
  readonly first: FirstCluster
  /** Signs a browser in; printed at the start as part of the console's address. */
  readonly signInToken: string
  readonly changes: Changes
  readonly board: StatusBoard
  readonly relay: Relay
  readonly fleet: Fleet
  readonly pipelines: Pipelines
  /** Where the API is, as people reach it; set when the server listens. */
  apiUrl = ''
  readonly #stop = new AbortController()
  #ticking: Promise<void> = Promise.resolve()

  /** Opens the control plane on a database; the first time it makes a cluster and its keys. */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    const first = await ensureFirstCluster(options.database, options.clock, options.random)
    const plane = new ControlPlane(options, first)
    plane.#ticking = plane.#tick()
    return plane
  }

  private constructor(options: ControlPlaneOptions, first: FirstCluster) {
    const { database, clock, random, log } = options
    this.options = options
    this.first = first
    this.signInToken = newSecret('sks', random)
    this.changes = new Changes()
    this.board = new StatusBoard(clock, this.changes)
    this.relay = new Relay(random, agentId => this.fleet.wake(agentId))
    this.fleet = new Fleet({
      clusterId: first.cluster.id,
      database,
      clock,
      random,
      log,
      board: this.board,
      changes: this.changes,
      relay: this.relay,
    })
    this.pipelines = new Pipelines({
      database,
      clock,
      random,
      lint: options.lint,
      onChange: async pipelineId => {
        await this.fleet.reconcile()
        this.changes.announce('pipelines', pipelineId)
      },
    })
  }

  /** How agents of this process reach the control plane. */
  get link(): AgentLink {
    return this.fleet
  }

  /** The cluster of that id. */
  cluster(id: string): Cluster {
    if (id === this.first.cluster.id) return this.first.cluster
    throw new ControlError('virtual_cluster_not_found', `there is no virtual cluster ${JSON.stringify(id)}`)
  }

  /** Has an agent answer something about the cluster's data, which is neither looked at nor kept here. */
  async ask<Name extends RelayedName>(name: Name, request: ApiRequest<Name>): Promise<ApiResponse<Name>> {
    const agents = await this.fleet.agents()
    const agent = agents.find(({ agent: { hello }, isAlive }) => isAlive && hello.kafkaAddress !== null)
    if (agent === undefined)
      throw new ControlError('no_agent_available', 'no agent is connected that could answer this')
    return this.relay.ask(agent.agent.id, name, request)
  }

  /** Who holds this key; undefined when it is none. */
  async authenticate(secret: string): Promise<Caller | undefined> {
    const keys = await this.options.database.transaction('relaxed', sql => store.listKeys(sql))
    const digest = sha256(secret)
    const key = keys.find(candidate => sha256(candidate.secret) === digest)
    if (key === undefined) return undefined
    const agentGrant = key.grants.find(({ principal_kind }) => principal_kind === 'agent')
    if (agentGrant !== undefined) return { kind: 'agent', clusterId: agentGrant.resource_id }
    return { kind: 'application' }
  }

  /** Makes a session for who has the sign-in token or an application key; answers its secret. */
  async signIn(token: string): Promise<{ readonly session: string; readonly maxAgeMs: number }> {
    const isToken = sha256(token) === sha256(this.signInToken)
    if (!isToken && (await this.authenticate(token))?.kind !== 'application')
      throw new ControlError('invalid_api_key', 'the token is not valid: take the newest link that the program printed')
    const { database, clock, random } = this.options
    const session = newSecret('sks', random)
    const now = clock.now()
    await database.transaction('relaxed', sql => store.insertSession(sql, sha256(session), now, now + sessionMs))
    return { session, maxAgeMs: sessionMs }
  }

  hasSession(session: string): Promise<boolean> {
    const { database, clock } = this.options
    return database.transaction('relaxed', sql => store.hasSession(sql, sha256(session), clock.now()))
  }

  signOut(session: string): Promise<void> {
    return this.options.database.transaction('relaxed', sql => store.deleteSession(sql, sha256(session)))
  }

  /** Stops the loops; the database stays open, it is the caller's. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.relay.close()
    this.fleet.close()
    await this.#ticking
  }

  async #tick(): Promise<void> {
    const { clock, log } = this.options
    while (!this.#stop.signal.aborted) {
      this.board.sample()
      try {
        await this.fleet.reconcile()
      } catch (error) {
        log.error('reconciling failed; it is tried again', { error: String(error) })
      }
      await waitOrAbort(clock, tickMs, this.#stop.signal)
    }
  }
}

/** Secrets are compared by their hashes, so that the time it takes tells nothing about them. */
function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
