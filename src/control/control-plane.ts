import { createHmac } from 'node:crypto'
import { type Clock, type Log, type Random, waitOrAbort } from '../base/index.ts'
import { type Database, migrate } from '../database/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { AgentLink, RelayAnswer } from './agent-link.ts'
import { Changes } from './changes.ts'
import { ensureDefaultCluster, workspaceId } from './clusters.ts'
import { readSettings } from './configuration/settings.ts'
import { ControlError } from './errors.ts'
import { Fleet } from './fleet.ts'
import { Keys } from './keys.ts'
import type { Cluster, Key } from './model.ts'
import { type LogAnswer, PeerPlanes } from './peer-planes.ts'
import { type PipelineLinter, Pipelines } from './pipelines.ts'
import { Sealer } from './sealing.ts'
import { Sessions } from './sessions.ts'
import { migrations } from './store/schema.ts'
import * as store from './store/store.ts'

const tickMs = 1000

export interface ControlPlaneOptions {
  readonly database: Database
  /** Encrypts the secrets of API keys in the database: 32 bytes that are stored elsewhere and never change. */
  readonly sealingKey: Uint8Array
  readonly lint: PipelineLinter
  /** The metadata of a cluster, if this process can reach it: users of the Kafka port, ACLs and settings. */
  readonly metadataOf?: (clusterId: string) => Promise<Metadata | undefined>
  /** Whether more clusters can be created than the first; false if a single process is the whole cluster. */
  readonly hasManyClusters?: boolean
  /** JSON Schema of a pipeline configuration. */
  readonly jsonSchema: () => Promise<Readonly<Record<string, unknown>>>
  readonly version: string
  /** Everything is lost when the process ends; the console warns about it. */
  readonly isEphemeral: boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What to create in an empty database; random where left out. */
export interface WantedDefaults {
  readonly clusterId?: string | undefined
  readonly applicationKey?: string | undefined
  readonly agentKey?: string | undefined
}

/** What every deployment has from its first start. */
export interface DefaultCluster {
  readonly cluster: Cluster
  /** For curl and Terraform. */
  readonly applicationKey: Key
  /** For agents. */
  readonly agentKey: Key
}

/**
 * The control plane without its HTTP server: what the pipelines of its clusters should do, and which agents do it.
 * Several processes may run on one database, which holds everything that has to survive or be shared; each class
 * documents what it keeps in memory.
 */
export class ControlPlane {
  readonly options: ControlPlaneOptions
  readonly changes: Changes
  readonly keys: Keys
  readonly sessions: Sessions
  readonly pipelines: Pipelines
  /** The other control planes on the same database. */
  readonly peers: PeerPlanes
  /** The address of the API for users; set when the server listens. */
  apiUrl = ''
  readonly #fleets = new Map<string, Fleet>()
  readonly #stop = new AbortController()
  #isStopping = false
  #ticking: Promise<void> = Promise.resolve()

  /** Opens the control plane on a database and brings its tables up to date. */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { database, clock, random, sealingKey } = options
    await migrate(database, 'control plane', migrations)
    await fillSettings(database)
    const keys = await Keys.open({ database, sealer: new Sealer(sealingKey, random), clock, random })
    const sessions = await Sessions.open({ database, keys, clock, random })
    const plane = new ControlPlane(options, keys, sessions)
    plane.#ticking = plane.#tick()
    return plane
  }

  private constructor(options: ControlPlaneOptions, keys: Keys, sessions: Sessions) {
    const { database, clock, random } = options
    this.options = options
    this.keys = keys
    this.sessions = sessions
    this.changes = new Changes()
    this.peers = new PeerPlanes(options)
    this.pipelines = new Pipelines({
      database,
      clock,
      random,
      lint: options.lint,
      onChange: async (clusterId, pipelineId) => {
        await this.fleet(clusterId).reconcile()
        this.changes.announce(clusterId, 'pipelines', pipelineId)
      },
    })
  }

  /** Finds the default cluster and its keys, and creates what is missing, with the given values or random ones. */
  async ensureDefaultCluster(wanted: WantedDefaults = {}): Promise<DefaultCluster> {
    const { database, clock, random } = this.options
    const cluster = await ensureDefaultCluster(database, clock, random, wanted.clusterId)
    const applicationKey = await this.keys.ensure(
      'akn_default_application',
      { principal_kind: 'app', resource_kind: '*', resource_id: '*', workspace_id: workspaceId },
      wanted.applicationKey,
    )
    const agentKey = await this.keys.ensure(
      'akn_default_agent',
      { principal_kind: 'agent', resource_kind: 'virtual_cluster', resource_id: cluster.id },
      wanted.agentKey,
    )
    return { cluster, applicationKey, agentKey }
  }

  /** All clusters, oldest first. */
  clusters(): Promise<Cluster[]> {
    return this.options.database.transaction({ kind: 'read' }, sql => store.listClusters(sql))
  }

  /** The cluster with this id; rejects with `virtual_cluster_not_found` if there is none. */
  async cluster(id: string): Promise<Cluster> {
    const cluster = await this.options.database.transaction({ kind: 'read' }, sql => store.findCluster(sql, id))
    if (cluster !== undefined) return cluster
    throw new ControlError('virtual_cluster_not_found', `there is no virtual cluster ${JSON.stringify(id)}`)
  }

  /** The agents of an existing cluster. */
  fleet(clusterId: string): Fleet {
    let fleet = this.#fleets.get(clusterId)
    if (fleet === undefined) {
      const { database, clock, random, log, sealingKey } = this.options
      const peerSecret = peerSecretOf(clusterId, sealingKey)
      fleet = new Fleet({
        clusterId,
        peerSecret,
        database,
        changes: this.changes,
        peers: this.peers,
        clock,
        random,
        log,
      })
      this.#fleets.set(clusterId, fleet)
    }
    return fleet
  }

  /** Drops a deleted cluster: its agents get no more orders. */
  async forgetCluster(clusterId: string, fleet: Fleet): Promise<void> {
    this.#fleets.delete(clusterId)
    fleet.close()
    this.changes.announce(clusterId, 'agents')
  }

  /** The link of agents in this process to the control plane. */
  link(clusterId: string): AgentLink {
    return this.fleet(clusterId)
  }

  /** Answers a question of another control plane of this database. Rejects with `forbidden` if it is not from one. */
  async answerPeer(body: unknown): Promise<RelayAnswer | LogAnswer> {
    const question = this.peers.read(body)
    const fleet = this.fleet(question.clusterId)
    if (question.kind === 'logs') return fleet.board.logsFor(question.request)
    try {
      return { ok: true, response: await fleet.askHere(question.name, question.request) }
    } catch (error) {
      if (error instanceof ControlError) return { ok: false, error: error.toJSON() }
      throw error
    }
  }

  /** Makes changes fail with `shutting_down`; reads and agents are still served. */
  refuseChanges(): void {
    this.#isStopping = true
  }

  /** Throws `shutting_down` if changes are refused. */
  checkAcceptsChanges(): void {
    if (this.#isStopping)
      throw new ControlError(
        'shutting_down',
        'the control plane is shutting down and saves nothing: try again in a moment',
      )
  }

  /** Stops the loops. The database stays open, because it belongs to the caller. */
  async close(): Promise<void> {
    this.refuseChanges()
    this.#stop.abort()
    for (const fleet of this.#fleets.values()) fleet.close()
    await this.#ticking
    await this.#attempt('leaving the other control planes', () => this.peers.leave())
    try {
      await this.sessions.close()
    } catch (error) {
      // It expires within a day anyway.
      this.options.log.warn('the sign-in token could not be revoked', { error: String(error) })
    }
  }

  async #tick(): Promise<void> {
    const { clock } = this.options
    while (!this.#stop.signal.aborted) {
      await this.#attempt('maintaining sessions', () => this.sessions.maintain())
      await this.#attempt('looking for other control planes', () => this.peers.maintain())
      await this.#attempt('maintaining clusters', async () => {
        for (const { id } of await this.clusters())
          await this.#attempt(`maintaining ${id}`, () => this.fleet(id).tick())
      })
      await waitOrAbort(clock, tickMs, this.#stop.signal)
    }
  }

  /** Logs a failure, which the next tick retries, so that other work continues. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.options.log.error(`${what} failed and will be retried`, { error: String(error) })
    }
  }
}

/** The same at all control planes of a database; not stored. */
function peerSecretOf(clusterId: string, sealingKey: Uint8Array): string {
  return createHmac('sha256', sealingKey).update(`agents of ${clusterId}`).digest('hex')
}

/** Computes the settings of configurations that an earlier version saved without them. */
async function fillSettings(database: Database): Promise<void> {
  await database.transaction({ kind: 'write' }, async sql => {
    const without = await store.listWithoutSettings(sql)
    if (without.length === 0) return
    await store.setSettings(
      sql,
      without.map(({ id, yaml }) => ({ id, settings: readSettings(yaml).settings })),
    )
  })
}
