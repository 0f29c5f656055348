import { type Clock, type Log, waitOrAbort } from '../base/index.ts'
import { type Metadata, MetadataError, type SettingChange, type SettingKind, type Settings } from '../metadata/index.ts'
import type { BrokerConfig, DynamicValue } from './config.ts'

/** How often other brokers' changes are polled, in milliseconds. */
const POLL_MS = 2_000

/** The entity for broker settings that apply to all brokers. */
export const allBrokers = ''

type Values = Readonly<Record<string, string>>

export interface ClusterSettingsOptions {
  readonly metadata: Metadata
  readonly clock: Clock
  readonly log: Log
  /** What this broker was started with. */
  readonly config: BrokerConfig
}

/** Applies settings that the HTTP API can change for the whole cluster, though Kafka's own tools cannot at runtime. */
function withClusterSettings(config: BrokerConfig, dynamic: Record<string, DynamicValue>): BrokerConfig {
  const autoCreate = dynamic['auto.create.topics.enable']
  const softDelete = dynamic['warpstream.soft.delete.topic.enable']
  const isSoft = softDelete === undefined ? config.softDeleteMs !== null : softDelete.value === 'true'
  return {
    ...config,
    dynamic,
    autoCreateTopicsEnable: autoCreate === undefined ? config.autoCreateTopicsEnable : autoCreate.value === 'true',
    numPartitions: Number(dynamic['num.partitions']?.value ?? config.numPartitions),
    softDeleteMs: isSoft ? Number(dynamic['warpstream.soft.delete.topic.ttl.ms']?.value ?? config.softDeleteMs) : null,
    offsetsRetentionMinutes: Number(dynamic['offsets.retention.minutes']?.value ?? config.offsetsRetentionMinutes),
  }
}

/**
 * Settings changed at runtime: of brokers, groups, client metrics and quotas. They are cached in memory; a change by
 * another broker becomes visible within two seconds.
 */
export class ClusterSettings {
  readonly #options: ClusterSettingsOptions
  readonly #abort = new AbortController()
  readonly #polling: Promise<void>
  #version = -1
  #byKind: ReadonlyMap<SettingKind, ReadonlyMap<string, Values>> = new Map()
  #config: BrokerConfig

  /** Loads the settings first, so that nothing is decided without them. */
  static async open(options: ClusterSettingsOptions): Promise<ClusterSettings> {
    return new ClusterSettings(options, await options.metadata.settings())
  }

  private constructor(options: ClusterSettingsOptions, settings: Settings) {
    this.#options = options
    this.#config = options.config
    this.#adopt(settings)
    this.#polling = this.#poll()
  }

  /** Increases with every change; values derived from the settings may be cached until then. */
  get version(): number {
    return this.#version
  }

  /** This broker's settings, including changes; a new object after each change. */
  get config(): BrokerConfig {
    return this.#config
  }

  /** The settings of any broker of the cluster; brokers are started with the same settings, except for the address. */
  configOf(nodeId: string): BrokerConfig {
    const dynamic: Record<string, DynamicValue> = {}
    for (const [name, value] of Object.entries(this.of('broker', allBrokers))) dynamic[name] = { value, isForAll: true }
    for (const [name, value] of Object.entries(this.of('broker', nodeId))) {
      const ofAll = dynamic[name]?.value
      dynamic[name] = { value, isForAll: false, ...(ofAll !== undefined && { ofAll }) }
    }
    return withClusterSettings(this.#options.config, dynamic)
  }

  /** The settings of one entity itself. */
  of(kind: SettingKind, entity: string): Values {
    return this.#byKind.get(kind)?.get(entity) ?? {}
  }

  /** All entities of a kind that have settings, with their settings. */
  all(kind: SettingKind): ReadonlyMap<string, Values> {
    return this.#byKind.get(kind) ?? new Map()
  }

  /** Applies changes, all or none; they take effect immediately on this broker. Rejects with a MetadataError. */
  async change(changes: readonly SettingChange[]): Promise<void> {
    this.#adopt(await this.#options.metadata.changeSettings(changes))
  }

  /** Reloads the settings if another broker has changed them. Rejects with a MetadataError. */
  async refresh(): Promise<void> {
    const { metadata } = this.#options
    if ((await metadata.settingsVersion()) !== this.#version) this.#adopt(await metadata.settings())
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#polling
  }

  #adopt({ version, settings }: Settings): void {
    if (version <= this.#version) return
    this.#version = version
    const byKind = new Map<SettingKind, Map<string, Record<string, string>>>()
    for (const { kind, entity, name, value } of settings) {
      const entities = byKind.get(kind) ?? new Map<string, Record<string, string>>()
      byKind.set(kind, entities)
      const values = entities.get(entity) ?? {}
      entities.set(entity, values)
      values[name] = value
    }
    this.#byKind = byKind
    this.#config = this.configOf(String(this.#options.config.nodeId))
  }

  async #poll(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#abort
    for (;;) {
      await waitOrAbort(clock, POLL_MS, signal)
      if (signal.aborted) return
      try {
        await this.refresh()
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error
        // The settings stay in effect until the database is reachable again.
        log.debug('the settings could not be read', { error: error.message })
      }
    }
  }
}
