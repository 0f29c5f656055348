import {
  defineMetrics,
  field,
  type MetricsExporter,
  type MetricsResources,
  type Sample,
  type SampleChange,
  SampleChanges,
} from '../../engine/index.ts'

type TagFormat = 'none' | 'datadog' | 'influxdb'

/** Maximum size of an unfragmented datagram on Ethernet. */
const maxDatagramBytes = 1432

export default defineMetrics({
  name: 'statsd',
  summary: 'Sends metrics to a StatsD server over UDP.',
  description:
    'Timings are sent as `ms`, although their values are nanoseconds, as in the original. If there are more than 512 observations in a flush period, the latest 512 are sent with their sample rate. With the format `none` labels are omitted, whereas the original sends them in the InfluxDB format.',
  config: field.object({
    address: field
      .string('The address of the server, as `host:port`.')
      .needs('network', value => String(value).replace(/^:/, '127.0.0.1:')),
    flush_period: field.duration('How often metrics are sent.').default('100ms'),
    tag_format: field.string('How labels are sent.').default('none').options({
      none: 'Labels are not sent.',
      datadog: '`name:1|c|#label:value`.',
      influxdb: '`name,label=value:1|c`.',
    }),
  }),
  create: (config, resources) => new StatsD(config.address, config.flush_period ?? 100, config.tag_format, resources),
})

class StatsD implements MetricsExporter {
  readonly periodMs: number
  readonly #host: string
  readonly #port: number
  readonly #tags: TagFormat
  readonly #changes = new SampleChanges()
  readonly #gauges = new Map<string, number>()
  readonly #socket: ReturnType<MetricsResources['host']['network']['datagrams']>

  constructor(address: string, periodMs: number, tags: string, { host, log }: MetricsResources) {
    const colon = address.lastIndexOf(':')
    this.#host = address.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '') || '127.0.0.1'
    this.#port = Number(address.slice(colon + 1))
    this.periodMs = periodMs
    this.#tags = tags as TagFormat // its spelling was checked above
    this.#socket = host.network.datagrams(this.#host.includes(':') ? 'udp6' : 'udp4')
    this.#socket.on('error', error => log.warn(`Failed to send metrics: ${error.message}`))
  }

  async send(samples: readonly Sample[]): Promise<void> {
    const lines = this.#changes.next(samples).flatMap(change => this.#lines(change))
    for (const datagram of datagramsOf(lines)) {
      await new Promise<void>((resolve, reject) =>
        this.#socket.send(datagram, this.#port, this.#host, error => (error === null ? resolve() : reject(error))),
      )
    }
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#socket.close(resolve))
  }

  #lines({ sample, count, observedNs }: SampleChange): readonly string[] {
    const { kind, value, key } = sample
    switch (kind) {
      case 'counter':
        return count === 0 ? [] : [this.#line(sample, `${count}|c`)]
      case 'gauge': {
        if (this.#gauges.get(key) === value) return []
        this.#gauges.set(key, value)
        return [this.#line(sample, `${value}|g`)]
      }
      case 'timer': {
        const rate = observedNs.length < count ? `|@${observedNs.length / count}` : ''
        return observedNs.map(durationNs => this.#line(sample, `${Math.round(durationNs)}|ms${rate}`))
      }
    }
  }

  #line({ name, labels }: Sample, value: string): string {
    const tags = Object.entries(labels).map(([label, text]) => [clean(label), clean(text)] as const)
    switch (this.#tags) {
      case 'none':
        return `${name}:${value}`
      case 'datadog':
        return `${name}:${value}${tags.length === 0 ? '' : `|#${tags.map(tag => tag.join(':')).join(',')}`}`
      case 'influxdb':
        return `${name}${tags.map(tag => `,${tag.join('=')}`).join('')}:${value}`
    }
  }
}

/** Removes the characters that would end a tag. */
function clean(text: string): string {
  return text.replaceAll(/[|,:=#\s]/g, '_')
}

/** Packs lines into datagrams, as many as fit into each. */
function datagramsOf(lines: readonly string[]): readonly string[] {
  const datagrams: string[] = []
  let current = ''
  for (const line of lines) {
    if (current !== '' && Buffer.byteLength(current) + Buffer.byteLength(line) + 1 > maxDatagramBytes) {
      datagrams.push(current)
      current = ''
    }
    current += current === '' ? line : `\n${line}`
  }
  return current === '' ? datagrams : [...datagrams, current]
}
