import type { CallArguments, CallName, CallResult } from './calls.ts'
import { changeBy } from './changes.ts'
import { MetadataError } from './errors.ts'
import type { Change, Transport } from './transport.ts'

type Listeners = Set<(change: Change) => void>

/** A connection to the metadata shared by several clients; each is notified of the others' changes. */
export class MetadataHub {
  readonly #transport: Transport
  readonly #clients = new Set<Listeners>()

  /** The hub owns the transport from then on. */
  constructor(transport: Transport) {
    this.#transport = transport
    transport.onChange(change => this.#publish(change, undefined))
  }

  /** Returns a transport for one client. Closing it leaves the hub open. */
  connect(): Transport {
    const listeners: Listeners = new Set()
    this.#clients.add(listeners)
    return {
      call: <Name extends CallName>(name: Name, ...values: CallArguments<Name>) => this.#call(listeners, name, values),
      onChange: listener => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      onLost: listener => this.#transport.onLost(listener),
      close: async () => {
        this.#clients.delete(listeners)
      },
    }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #call<Name extends CallName>(
    caller: Listeners,
    name: Name,
    values: CallArguments<Name>,
  ): Promise<CallResult<Name>> {
    if (!this.#clients.has(caller)) throw new MetadataError('closed', 'the metadata is closed')
    const result = await this.#transport.call(name, ...values)
    const change = changeBy(name, result)
    if (change !== undefined) this.#publish(change, caller)
    return result
  }

  #publish(change: Change, caller: Listeners | undefined): void {
    for (const listeners of this.#clients) {
      if (listeners === caller) continue
      for (const listener of listeners) listener(change)
    }
  }
}
