import {
  type Batch,
  type ComponentConfig,
  type ComponentGroup,
  ConfigError,
  ClosedError,
  defineOutput,
  field,
  isClosing,
  type Output,
  type Resources,
  Signal,
} from '../../engine/index.ts'
import { DynamicApi, type DynamicSet } from './dynamic-api.ts'
import { forEver, RetryingWriter } from './retrying.ts'

export default defineOutput({
  name: 'dynamic',
  categories: ['Utility'],
  summary:
    'Sends every message to all of a set of outputs that are added, changed and removed over HTTP while the stream runs.',
  description: `\`GET /outputs\` lists the outputs, \`GET /outputs/{id}\` shows the configuration of one, \`POST /outputs/{id}\` starts
or replaces one, \`DELETE /outputs/{id}\` stops it, and \`GET /outputs/{id}/uptime\` returns how long it has been running.
Each output is retried until it succeeds. Messages wait while there are no outputs; messages that an output had not delivered
when it was removed go to the remaining outputs, or wait for the next one.`,
  config: field.object({
    outputs: field.output('The initial outputs, by id.').map().default({}),
    prefix: field.string('A prefix for the paths.').default(''),
  }),
  examples: [
    {
      title: 'Starting with a file',
      config: 'output:\n  dynamic:\n    outputs:\n      first:\n        file:\n          path: ./data.txt\n',
    },
  ],
  maxInFlight: 64,
  composes: true,
  async create(config, resources): Promise<Output> {
    const { http } = resources
    if (http === undefined) throw new ConfigError('dynamic needs the shared HTTP server, which is off here')
    const outputs = new DynamicOutputs(resources)
    try {
      for (const [id, child] of Object.entries(config.outputs)) await outputs.set(id, child)
    } catch (error) {
      await outputs.close()
      throw error
    }
    const withdraw = outputs.api.register(http, config.prefix)
    return {
      write: (batch, signal) => outputs.write(batch, signal),
      async close() {
        withdraw()
        await outputs.close()
      },
    }
  },
})

interface Member {
  readonly group: ComponentGroup
  readonly writer: RetryingWriter
}

/** Writes to all outputs of a changing set. */
class DynamicOutputs implements DynamicSet {
  readonly kind = 'output'
  readonly api: DynamicApi
  readonly #resources: Resources
  readonly #members = new Map<string, Member>()
  readonly #changed = new Signal()

  constructor(resources: Resources) {
    this.#resources = resources
    this.api = new DynamicApi(this, resources)
  }

  /**
   * Resolves once every output that existed at the start, and was not removed since, has delivered; at least one must
   * have.
   */
  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const wake = () => this.#changed.notify()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (signal.aborted) throw new ClosedError()
        const writers = [...this.#members].map(async ([id, member]) => await this.#writeTo(id, member, batch))
        const delivered = await Promise.allSettled(writers)
        for (const result of delivered) if (result.status === 'rejected') throw result.reason
        if (delivered.some(result => result.status === 'fulfilled' && result.value)) return
        if (this.#members.size === 0 && !signal.aborted) await this.#changed.wait()
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  async set(id: string, config: ComponentConfig, signal?: AbortSignal): Promise<void> {
    const group = this.#resources.group()
    try {
      const output = await group.output(config)
      if (signal !== undefined) await this.remove(id)
      this.#members.set(id, { group, writer: new RetryingWriter(output, forEver, this.#resources) })
    } catch (error) {
      await group.close()
      throw error
    }
    this.api.started(id, config)
    this.#changed.notify()
  }

  async remove(id: string): Promise<void> {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.delete(id)
    this.api.stopped(id)
    await member.group.close()
  }

  async close(): Promise<void> {
    for (const { group } of this.#members.values()) await group.close()
  }

  /** Returns false if the output was removed before it delivered. */
  async #writeTo(id: string, member: Member, batch: Batch): Promise<boolean> {
    try {
      await member.writer.write(batch)
      return true
    } catch (error) {
      if (isClosing(error) && this.#members.get(id) !== member) return false
      throw error
    }
  }
}
