import { type Database, migrate } from '../database/index.ts'
import {
  type Call,
  type CallArguments,
  type CallName,
  type CallResult,
  invoke,
  kindOf,
  metadataError,
} from './calls.ts'
import type { Committed } from './operations/log.ts'
import type { TopicChange } from './operations/topics.ts'
import { migrations } from './schema.ts'
import { type Change, lostError, type Transport } from './transport.ts'

type ChangeListener = (change: Change) => void

/** Carries out calls on the metadata in a database, and lets each client know what the others change. */
export class MetadataService {
  readonly #database: Database
  /** What the clients listen with, a set for each of them. */
  readonly #clients = new Set<Set<ChangeListener>>()

  /** Brings the tables up to date. The database belongs to the service from then on. Rejects with a MetadataError. */
  static async open(database: Database): Promise<MetadataService> {
    try {
      await migrate(database, 'metadata', migrations)
    } catch (error) {
      await database.close()
      throw metadataError(error)
    }
    return new MetadataService(database)
  }

  private constructor(database: Database) {
    this.#database = database
  }

  /** A client's way to this service. Closing it leaves the service open. */
  connect(): Transport {
    const listeners = new Set<ChangeListener>()
    this.#clients.add(listeners)
    return {
      call: async <Name extends CallName>(name: Name, ...values: CallArguments<Name>) =>
        // The result is that of the operation of this name.
        (await this.#call(listeners, { name, arguments: values })) as CallResult<Name>,
      onChange: listener => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      onLost: listener => this.#database.onLost(reason => listener(lostError(reason))),
      close: async () => {
        this.#clients.delete(listeners)
      },
    }
  }

  /** Finishes the calls that were made before; later ones reject with the code `closed`. */
  close(): Promise<void> {
    return this.#database.close()
  }

  async #call(caller: Set<ChangeListener>, call: Call): Promise<unknown> {
    const kind = kindOf(call)
    try {
      const result = await this.#database.transaction({ kind }, sql => invoke(sql, call))
      if (this.#clients.size > 1 && kind === 'write') this.#publish(caller, changeBy(call, result))
      return result
    } catch (error) {
      throw metadataError(error)
    }
  }

  #publish(caller: Set<ChangeListener>, change: Change | undefined): void {
    if (change === undefined) return
    for (const listeners of this.#clients) {
      if (listeners === caller) continue
      for (const listener of listeners) listener(change)
    }
  }
}

/** What others should hear of a call that was carried out. */
function changeBy(call: Call, result: unknown): Change | undefined {
  switch (call.name) {
    case 'commit':
      return { appended: (result as Committed).appended }
    case 'createTopics':
    case 'deleteTopics':
    case 'createPartitions':
    case 'setTopicConfigs':
      return { catalogVersion: (result as TopicChange).version }
    default:
      return undefined
  }
}
