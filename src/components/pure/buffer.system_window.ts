import { asError, messageOf } from '../../base/index.ts'
import { type Mapping, Timestamp, type Value } from '../../bloblang/index.ts'
import {
  type Ack,
  type Batch,
  type Buffer,
  ConfigError,
  defineBuffer,
  deliverBatch,
  type Delivery,
  failuresOf,
  field,
  type Message,
  pause,
  type Resources,
  Signal,
  whenEachSettled,
} from '../../engine/index.ts'
import { expression } from './expression.ts'

const NANOS_PER_MS = 1_000_000n
/** Windows are aligned to the first day of the year 1, as in the original. */
const YEAR_ONE_NANOS = -62_135_596_800_000_000_000n

export default defineBuffer({
  name: 'system_window',
  categories: ['Windowing'],
  version: '1.0.0',
  summary: 'Groups messages into time windows by the system clock; each window becomes a batch.',
  description:
    'A message is assigned to windows by its timestamp; it is dropped if its window has already been delivered. Each message gets the metadata `window_end_timestamp` (RFC 3339). Messages are acknowledged when their last window has been delivered; when the stream ends, messages of incomplete windows are rejected.',
  config: field.object({
    timestamp_mapping: field
      .mapping('The timestamp of a message: RFC 3339, or seconds since 1970.')
      .default('root = now()')
      .examples('root = this.created_at', 'root = metadata("kafka_timestamp_unix").number()'),
    size: field.string('The length of a window.').examples('30s', '10m'),
    slide: field.string('The interval between the starts of two windows, if windows overlap.').default(''),
    offset: field
      .string(
        'An offset added to the starts of windows, which are otherwise aligned to multiples of `slide`, or of `size` without it.',
      )
      .default('')
      .examples('-6h', '30m'),
    allowed_lateness: field.string('How long a window waits for late messages after it ended.').default(''),
  }),
  examples: [
    {
      title: 'Passengers by traffic light and hour',
      config: `buffer:
  system_window:
    timestamp_mapping: root = this.created_at
    size: 1h
pipeline:
  processors:
    - group_by_value:
        value: '\${! json("traffic_light") }'
    - mapping: |
        root = if batch_index() == 0 {
          {
            "traffic_light": this.traffic_light,
            "until": metadata("window_end_timestamp"),
            "passengers": json("passengers").from_all().sum(),
          }
        } else { deleted() }
`,
    },
  ],
  create(config, resources) {
    const sizeNanos = duration('size', config.size, resources, true)
    const slideNanos = duration('slide', config.slide, resources)
    const offsetNanos = duration('offset', config.offset, resources)
    const latenessNanos = duration('allowed_lateness', config.allowed_lateness, resources)
    const refuse = (what: string, value: string, than: string, limit: string) => {
      throw new ConfigError(`invalid ${what} '${value}' must be lower than the ${than} '${limit}'`)
    }
    if (slideNanos >= sizeNanos) refuse('window slide', config.slide, 'size', config.size)
    if (offsetNanos >= sizeNanos) refuse('offset', config.offset, 'size', config.size)
    if (slideNanos > 0n && offsetNanos >= slideNanos) refuse('offset', config.offset, 'slide', config.slide)
    if (latenessNanos >= sizeNanos) refuse('allowed_lateness', config.allowed_lateness, 'size', config.size)
    return new WindowBuffer(config.timestamp_mapping, { sizeNanos, slideNanos, offsetNanos, latenessNanos }, resources)
  },
})

function duration(name: string, text: string, { host }: Resources, required = false): bigint {
  if (!required && text === '') return 0n
  try {
    return expression('this.parse_duration()', host)(text) as bigint // a duration is a whole number of nanoseconds
  } catch (error) {
    throw new ConfigError(
      `failed to parse field '${name}' as duration: time: invalid duration ${JSON.stringify(text)}`,
      {
        cause: error,
      },
    )
  }
}

interface Windows {
  readonly sizeNanos: bigint
  readonly slideNanos: bigint
  readonly offsetNanos: bigint
  readonly latenessNanos: bigint
}

interface Window {
  /** First and last nanosecond of the window, both inclusive. */
  readonly start: bigint
  readonly end: bigint
}

interface Held {
  readonly at: bigint
  readonly message: Message
  readonly ack: Ack
}

class WindowBuffer implements Buffer {
  readonly #timestamp: Mapping | null
  readonly #windows: Windows
  readonly #resources: Resources
  readonly #nanosOf: (value: Value) => Value
  readonly #changed = new Signal()
  #held: Held[] = []
  #flushedUntil = YEAR_ONE_NANOS
  #next: Window | null = null
  #ended = false

  constructor(timestamp: Mapping | null, windows: Windows, resources: Resources) {
    this.#timestamp = timestamp
    this.#windows = windows
    this.#resources = resources
    this.#nanosOf = expression('this.ts_unix_nano()', resources.host)
  }

  async push(delivery: Delivery): Promise<void> {
    await this.#dropMissed()
    for (const batch of delivery.batches) await this.#take(batch, error => delivery.settle(batch, error))
    this.#changed.notify()
  }

  end(): void {
    this.#ended = true
    this.#changed.notify()
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    if (this.#next === null) {
      const { previous, current } = this.#around()
      this.#next = current
      // No read was waiting when the previous window ended, so it is delivered now.
      if (this.#flushedUntil < previous.start) {
        const missed = await this.#flush(previous)
        if (missed !== null) return missed
      }
    }
    for (;;) {
      const window = this.#next
      if (signal.aborted || this.#ended) return await this.#giveUp()
      const waitNanos = window.end - this.#resources.host.now() + this.#windows.latenessNanos
      if (waitNanos > 0n) {
        const timer = new AbortController()
        const wake = () => timer.abort()
        signal.addEventListener('abort', wake, { once: true })
        await Promise.race([pause(Number(waitNanos / NANOS_PER_MS) + 1, timer.signal), this.#untilEnd()])
        signal.removeEventListener('abort', wake)
        timer.abort()
        if (window.end + this.#windows.latenessNanos > this.#resources.host.now()) continue
      }
      const delivery = await this.#flush(window)
      this.#next = this.#around().current
      if (delivery !== null) {
        this.#next = null
        return delivery
      }
    }
  }

  async #untilEnd(): Promise<void> {
    while (!this.#ended) await this.#changed.wait()
  }

  /** When the stream ends, messages of incomplete windows are rejected. */
  async #giveUp(): Promise<null> {
    const held = this.#held
    this.#held = []
    for (const { ack } of held) await ack(new Error('message rejected as window did not complete'))
    return null
  }

  /** Adds the messages of a batch to the open windows; messages that are too late are acknowledged. */
  async #take(batch: Batch, ack: Ack): Promise<void> {
    const times: bigint[] = []
    for (const index of batch.keys()) {
      try {
        times.push(this.#timeOf(batch, index))
      } catch (error) {
        await ack(asError(error))
        return
      }
    }
    const settle = whenEachSettled(batch, ack)
    for (const [index, message] of batch.entries()) {
      const at = times[index]!
      if (at > this.#flushedUntil) this.#held.push({ at, message, ack: error => settle([message], error) })
      else await settle([message], null)
    }
  }

  #timeOf(messages: readonly Message[], index: number): bigint {
    const { log, host } = this.#resources
    const fail = (what: string, error: unknown): never => {
      const message = messageOf(error)
      log.error(`Timestamp mapping failed for message: ${message}`)
      throw new Error(`${what}: ${message}`)
    }
    if (this.#timestamp === null) return host.now()
    let value: Value
    try {
      value = this.#timestamp.run(messages, index)
    } catch (error) {
      return fail('timestamp mapping failed', error)
    }
    try {
      // `ts_unix_nano` returns an integer.
      return value instanceof Timestamp ? value.unixNanos : (this.#nanosOf(value) as bigint)
    } catch (error) {
      return fail('unable to parse result of timestamp mapping as timestamp', error)
    }
  }

  /** Drops messages that fit into no future window, which happens when the output has fallen far behind. */
  async #dropMissed(): Promise<void> {
    const { previous } = this.#around()
    if (this.#flushedUntil >= previous.start) return
    const missed = this.#held.filter(({ at }) => at < previous.start)
    if (missed.length === 0) return
    this.#held = this.#held.filter(({ at }) => at >= previous.start)
    for (const { ack } of missed) await ack(null)
  }

  /** The window that is due next according to the clock, and the one before it. */
  #around(): { readonly previous: Window; readonly current: Window } {
    const { sizeNanos, slideNanos, offsetNanos } = this.#windows
    const now = this.#resources.host.now()
    const step = slideNanos > 0n ? slideNanos : sizeNanos
    let start = rounded(now, step) + 1n + offsetNanos
    if (start > now) start -= step
    if (slideNanos > 0n) start += slideNanos - sizeNanos
    const current = { start, end: start + sizeNanos - 1n }
    return { previous: { start: start - step, end: current.end - step }, current }
  }

  async #flush(window: Window): Promise<Delivery | null> {
    const { sizeNanos, slideNanos } = this.#windows
    const keepFrom = window.start + (slideNanos > 0n ? slideNanos : sizeNanos)
    const flushed = this.#held.filter(({ at }) => at >= window.start && at <= window.end)
    const dropped = this.#held.filter(({ at }) => at < window.start)
    this.#held = this.#held.filter(({ at }) => at >= keepFrom)
    this.#flushedUntil = window.end
    for (const { ack } of dropped) await ack(null)
    if (flushed.length === 0) return null
    const until = rfc3339(window.end)
    const messages = flushed.map(({ message }) => message.withMeta('window_end_timestamp', until))
    // A message in overlapping windows is acknowledged with the last of them.
    const kept = new Set(this.#held)
    return deliverBatch(messages, async error => {
      const failures = error === null ? undefined : failuresOf(messages, error)
      const settled = new Map<Held, Error | null>()
      for (const [index, held] of flushed.entries()) {
        const failure = failures?.get(messages[index]!) ?? null
        if (failure !== null || !kept.has(held)) settled.set(held, failure)
      }
      this.#held = this.#held.filter(held => !settled.has(held))
      for (const [held, failure] of settled) await held.ack(failure)
    })
  }
}

/** The multiple of `step` since the year 1 that is nearest to a time. */
function rounded(nanos: bigint, step: bigint): bigint {
  const rest = (nanos - YEAR_ONE_NANOS) % step
  return rest * 2n < step ? nanos - rest : nanos + step - rest
}

function rfc3339(nanos: bigint): string {
  const seconds = new Date(Number(nanos / NANOS_PER_MS)).toISOString().slice(0, 19)
  const fraction = String(((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`
}
