import {
  type Batch,
  batchCounters,
  type Batcher,
  batchingField,
  type Buffer,
  type Counter,
  defineBuffer,
  type Delivery,
  Field,
  field,
  type Gauge,
  type Message,
  type Resources,
  Signal,
} from '../../engine/index.ts'

const policy = new Field<{ readonly enabled: boolean } & (typeof batchingField)['type']>({
  ...batchingField.shape,
  description: 'Batches messages as they leave the buffer.',
  children: {
    enabled: field.bool('Whether messages are batched.').default(false).shape,
    ...batchingField.shape.children,
  },
})

export default defineBuffer({
  name: 'memory',
  categories: ['Utility'],
  summary: 'Buffers messages in memory and acknowledges them immediately.',
  description:
    'Buffered messages are lost if the process dies: the buffer trades durability for a source that does not have to wait.',
  config: field.object({
    limit: field.int('The capacity in bytes; when it is full, the source waits.').default(524_288_000),
    spillover: field
      .bool('Whether messages that do not fit are dropped rather than making the source wait.')
      .default(false)
      .advanced(),
    batch_policy: policy,
  }),
  async create(config, resources) {
    const batcher = config.batch_policy.enabled ? await resources.batcher(config.batch_policy) : undefined
    return new MemoryBuffer(config.limit, config.spillover, batcher, resources)
  },
})

interface Held {
  readonly delivery: Delivery
  readonly sizeBytes: number
}

class MemoryBuffer implements Buffer {
  readonly #limitBytes: number
  readonly #spills: boolean
  readonly #batcher: Batcher | undefined
  readonly #resources: Resources
  readonly #changed = new Signal()
  #active: Gauge | undefined
  readonly #created: Counter
  readonly #queue: Held[] = []
  readonly #ready: Delivery[] = []
  #sizeBytes = 0
  #ended = false
  #closed = false

  constructor(limitBytes: number, spills: boolean, batcher: Batcher | undefined, resources: Resources) {
    this.#limitBytes = limitBytes
    this.#spills = spills
    this.#batcher = batcher
    this.#resources = resources
    // As in the original, a batch that passes without a policy counts as one that is complete with its first message.
    this.#created = batchCounters(resources.part('batching').metrics).count
  }

  async push(delivery: Delivery, signal: AbortSignal): Promise<readonly Batch[]> {
    await delivery.ack(null)
    const dropped: Batch[] = []
    for (const portion of this.#portionsOf(delivery, dropped)) {
      if (!(await this.#take(portion, signal))) dropped.push(...portion.delivery.batches)
    }
    return dropped
  }

  /**
   * Splits a delivery into portions that are admitted one after another: single batches if overflow is dropped,
   * otherwise up to a quarter of the buffer each. A batch larger than the whole buffer is dropped, as in the original.
   */
  #portionsOf(delivery: Delivery, dropped: Batch[]): readonly Held[] {
    const portions: Held[] = []
    let messages: Message[] = []
    let portionBytes = 0
    const close = () => {
      if (messages.length > 0)
        portions.push({ delivery: delivery.like(messages, () => undefined), sizeBytes: portionBytes })
      messages = []
      portionBytes = 0
    }
    for (const batch of delivery.batches) {
      const sizeBytes = sizeOf(batch)
      if (sizeBytes > this.#limitBytes) {
        this.#resources.log.error('message body larger than buffer space')
        dropped.push(batch)
        continue
      }
      if (this.#spills || portionBytes + sizeBytes > this.#limitBytes / 4) close()
      messages.push(...batch)
      portionBytes += sizeBytes
    }
    close()
    return portions
  }

  /** Whether the portion was admitted. */
  async #take(held: Held, signal: AbortSignal): Promise<boolean> {
    const { sizeBytes } = held
    while (this.#sizeBytes + sizeBytes > this.#limitBytes && !this.#closed && !signal.aborted) {
      if (this.#spills) {
        this.#resources.metrics.counter('buffer_spillover').add(sizeBytes)
        return false
      }
      await this.#changed.wait()
    }
    this.#resize(sizeBytes)
    this.#queue.push(held)
    this.#changed.notify()
    return true
  }

  end(): void {
    this.#ended = true
    this.#changed.notify()
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    const wake = () => this.#changed.notify()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (this.#closed || signal.aborted) return null
        const ready = this.#ready.shift() ?? (await this.#collect())
        if (ready !== undefined) return ready
        if (this.#ended && this.#sizeBytes === 0 && this.#queue.length === 0) return null
        const dueMs = this.#batcher?.untilDue()
        if (dueMs === undefined) await this.#changed.wait()
        else await Promise.race([this.#changed.wait(), this.#resources.clock.sleep(dueMs)])
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#changed.notify()
    await this.#batcher?.close()
  }

  /** The next complete batch, if any. */
  async #collect(): Promise<Delivery | undefined> {
    const batcher = this.#batcher
    if (batcher === undefined) {
      const held = this.#queue.shift()
      if (held === undefined) return undefined
      this.#created.add(held.delivery.batches.length)
      return this.#deliver(held)
    }
    while (this.#queue.length > 0 && this.#ready.length === 0) {
      this.#ready.push(...(await batcher.add(this.#deliver(this.#queue.shift()!))))
    }
    const isDue = (batcher.untilDue() ?? Infinity) <= 0
    if (this.#ready.length === 0 && batcher.size > 0 && (this.#ended || isDue))
      this.#ready.push(...(await batcher.flush({ isDue })))
    return this.#ready.shift()
  }

  /** Rejected messages return to the front of the queue. */
  #deliver({ delivery }: Held): Delivery {
    return delivery.like(delivery.messages, (messages, error) => {
      const sizeBytes = sizeOf(messages)
      if (error === null) this.#resize(-sizeBytes)
      else this.#queue.unshift({ delivery: delivery.like(messages, () => undefined), sizeBytes })
      this.#changed.notify()
    })
  }

  #resize(bytes: number): void {
    this.#sizeBytes += bytes
    // As in the original, this series and `buffer_spillover` exist from their first use.
    this.#active ??= this.#resources.metrics.gauge('buffer_active')
    this.#active.set(this.#sizeBytes)
  }
}

function sizeOf(messages: readonly Message[]): number {
  let sizeBytes = 0
  for (const message of messages) sizeBytes += message.sizeBytes
  return sizeBytes
}
