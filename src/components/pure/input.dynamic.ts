import { messageOf } from '../../base/index.ts'
import {
  ClosedError,
  type ComponentConfig,
  type ComponentGroup,
  ConfigError,
  defineInput,
  type Delivery,
  field,
  type Input,
  type InputHandle,
  type Resources,
} from '../../engine/index.ts'
import { DynamicApi, type DynamicSet } from './dynamic-api.ts'

export default defineInput({
  name: 'dynamic',
  categories: ['Utility'],
  summary: 'Merges the messages of inputs that are added, changed and removed over HTTP while the stream runs.',
  description: `\`GET /inputs\` lists the inputs, \`GET /inputs/{id}\` shows the configuration of one, \`POST /inputs/{id}\` starts
or replaces one, \`DELETE /inputs/{id}\` stops it, and \`GET /inputs/{id}/uptime\` returns how long it has been running, or
\`stopped\` if it has ended on its own. Before an input is replaced or removed, the messages it delivered are acknowledged.
The stream keeps running without any input.`,
  config: field.object({
    inputs: field.input('The initial inputs, by id.').map().default({}),
    prefix: field.string('A prefix for the paths.').default(''),
  }),
  examples: [
    {
      title: 'Starting with a file',
      config: 'input:\n  dynamic:\n    inputs:\n      first:\n        file:\n          paths: [ ./data.txt ]\n',
    },
  ],
  composes: true,
  replays: false,
  async create(config, resources): Promise<Input> {
    const { http } = resources
    if (http === undefined) throw new ConfigError('dynamic needs the shared HTTP server, which is off here')
    const inputs = new DynamicInputs(resources)
    try {
      for (const [id, child] of Object.entries(config.inputs)) await inputs.set(id, child)
    } catch (error) {
      await inputs.close()
      throw error
    }
    const withdraw = inputs.api.register(http, config.prefix)
    return {
      read: signal => inputs.read(signal),
      async close() {
        withdraw()
        await inputs.close()
      },
    }
  },
})

/** A running input, and the promise of its end. */
interface Member {
  readonly group: ComponentGroup
  readonly handle: InputHandle
  readonly ended: Promise<void>
}

/** A delivery waiting to be read. */
interface Waiting {
  readonly delivery: Delivery
  readonly taken: () => void
}

/** Merges a changing set of inputs, in the order in which their messages arrive. */
class DynamicInputs implements DynamicSet {
  readonly kind = 'input'
  readonly api: DynamicApi
  readonly #resources: Resources
  readonly #members = new Map<string, Member>()
  readonly #stop = new AbortController()
  #waiting: Waiting[] = []
  #wake = (): void => undefined

  constructor(resources: Resources) {
    this.#resources = resources
    this.api = new DynamicApi(this, resources)
  }

  /** The next delivery of any input; null once the signal aborts. */
  async read(signal: AbortSignal): Promise<Delivery | null> {
    const wake = () => this.#wake()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (signal.aborted) return null
        const next = this.#waiting.shift()
        if (next !== undefined) {
          next.taken()
          return next.delivery
        }
        await new Promise<void>(resolve => (this.#wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  async set(id: string, config: ComponentConfig, signal?: AbortSignal): Promise<void> {
    const group = this.#resources.group()
    try {
      const handle = await group.input(config)
      if (signal !== undefined) await this.remove(id, signal)
      this.#start(id, config, group, handle)
    } catch (error) {
      await group.close()
      throw error
    }
  }

  /**
   * Stops an input once everything that it delivered is settled; if the signal aborts, it continues stopping in the
   * background.
   */
  async remove(id: string, signal: AbortSignal): Promise<void> {
    const member = this.#members.get(id)
    if (member === undefined) return
    member.handle.stop()
    await orAborted(member.ended, signal)
    this.#members.delete(id)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const { delivery, taken } of this.#waiting.splice(0)) {
      taken()
      await delivery.ack(new ClosedError())
    }
    for (const { group } of this.#members.values()) await group.close()
  }

  #start(id: string, config: ComponentConfig, group: ComponentGroup, handle: InputHandle): void {
    const ended = this.#pump(handle)
      .catch((error: unknown) => this.#resources.log.error(`Dynamic input '${id}' failed: ${messageOf(error)}`))
      .then(async () => {
        this.api.stopped(id)
        if (!this.#stop.signal.aborted) await group.close()
      })
    this.#members.set(id, { group, handle, ended })
    this.api.started(id, config)
  }

  /** Forwards the deliveries of an input one at a time until it ends. */
  async #pump(handle: InputHandle): Promise<void> {
    for (;;) {
      const delivery = await handle.next(this.#stop.signal)
      if (delivery === null) return
      if (this.#stop.signal.aborted) {
        await delivery.ack(new ClosedError())
        return
      }
      await new Promise<void>(taken => {
        this.#waiting.push({ delivery, taken })
        this.#wake()
      })
    }
  }
}

/** Waits for a promise; throws if the signal aborts first. */
async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(new Error('the request was cancelled before the previous component had stopped'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
