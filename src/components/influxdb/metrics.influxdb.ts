import {
  addressOfUrl,
  ConfigError,
  defineMetrics,
  field,
  HttpTransport,
  type Infer,
  type MetricsExporter,
  type MetricsResources,
  interpolatedQuantiles,
  type Sample,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'
import { type Precision, precisions, writeLine } from './line-protocol.ts'
import { nextRates, noRates, type Rates, type RateState } from './rates.ts'

const config = field.object({
  url: field
    .string('The URL of the server: `http://`, `https://`, or `udp://` for its UDP listener.')
    .needs('network', value => addressOfUrl(value)),
  db: field.string('The database.'),
  tls: tlsField.optional(),
  username: field.string('The user name.').default('').advanced(),
  password: field.string('The password.').default('').secret().advanced(),
  include: field
    .object(
      {
        runtime: field
          .string(
            'Has no effect: these are metrics of the Go runtime. Memory and processor time are sent as `process`.',
          )
          .default('')
          .advanced(),
        debug_gc: field.string('Has no effect: these are metrics of the Go runtime.').default('').advanced(),
      },
      'Additional metrics.',
    )
    .advanced()
    .optional(),
  interval: field.duration('How often metrics are sent.').default('1m').advanced(),
  ping_interval: field
    .duration('Has no effect: a server that does not respond is reported when metrics are sent.')
    .default('20s')
    .advanced(),
  precision: field.string('The precision of timestamps: `n`, `u`, `ms`, `s`, `m` or `h`.').default('s').advanced(),
  timeout: field.duration('How long the server may take to respond.').default('5s').advanced(),
  tags: field.anyObject('Tags added to every point.').default({}).advanced(),
  retention_policy: field.string('The retention policy of the written points.').advanced().optional(),
  write_consistency: field
    .string('The write consistency of a cluster: `any`, `one`, `quorum` or `all`.')
    .advanced()
    .optional(),
})

type Config = Infer<typeof config>

export default defineMetrics({
  name: 'influxdb',
  status: 'beta',
  summary: 'Sends metrics to InfluxDB 1.x in its line protocol.',
  description:
    'A counter is a point with the field `count`, a gauge one with `value`; a timing has `count`, `min`, `max`, `mean`, `stddev` and the quantiles `p50` to `p999`, in nanoseconds, and its observations per second as `1m.rate`, `5m.rate`, `15m.rate` (moving averages, updated when metrics are sent) and `mean.rate`.',
  config,
  create: (settings, resources) => new InfluxDb(settings, resources),
})

class InfluxDb implements MetricsExporter {
  readonly periodMs: number
  readonly #config: Config
  readonly #resources: MetricsResources
  readonly #precision: Precision
  readonly #transport: HttpTransport | undefined
  readonly #url: URL
  readonly #openedAtMs: number
  readonly #rates = new Map<string, RateState>()

  constructor(settings: Config, resources: MetricsResources) {
    const url = URL.parse(settings.url)
    if (url === null || !['http:', 'https:', 'udp:'].includes(url.protocol)) {
      throw new ConfigError(`protocol needs to be http, https or udp and is ${settings.url.split(':')[0]}`)
    }
    if (!Object.hasOwn(precisions, settings.precision)) {
      throw new ConfigError(`precision ${settings.precision} is not one of ${Object.keys(precisions).join(', ')}`)
    }
    this.#precision = settings.precision as Precision // its spelling was checked above
    this.#config = settings
    this.#resources = resources
    this.#url = url
    this.#openedAtMs = resources.clock.now()
    this.periodMs = settings.interval ?? 60_000
    const { host } = resources
    const tls = settings.tls?.enabled === true ? tlsOptions(settings.tls, path => readText(host, path)) : undefined
    if (url.protocol !== 'udp:') {
      this.#transport = new HttpTransport({ sockets: host.network, ...(tls === undefined ? {} : { tls }) })
    }
  }

  async send(samples: readonly Sample[]): Promise<void> {
    const nowMs = this.#resources.clock.now()
    const lines = samples.map(sample => {
      const tags = { ...sample.labels, ...this.#tags() }
      const fields = fieldsOf(sample, this.#ratesOf(sample, nowMs))
      return writeLine({ measurement: sample.name, tags, fields, timeMs: nowMs }, this.#precision)
    })
    if (this.#transport === undefined) await this.#sendDatagrams(lines)
    else await this.#write(this.#transport, lines.join(''))
  }

  async close(): Promise<void> {
    await this.#transport?.close()
  }

  #ratesOf({ kind, key, value }: Sample, nowMs: number): Rates {
    if (kind !== 'timer') return noRates
    const rates = nextRates(this.#rates.get(key), value, nowMs, this.#openedAtMs)
    this.#rates.set(key, rates)
    return rates.fields
  }

  #tags(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.#config.tags).map(([name, value]) => [name, String(value)]))
  }

  async #write(transport: HttpTransport, body: string): Promise<void> {
    const { db, retention_policy: policy, write_consistency: consistency, username, password, timeout } = this.#config
    const query = new URLSearchParams({
      db,
      precision: this.#precision,
      ...(policy === undefined ? {} : { rp: policy }),
      ...(consistency === undefined ? {} : { consistency }),
    })
    const target = new URL(`${this.#url.pathname.replace(/\/$/, '')}/write?${query.toString()}`, this.#url)
    const authorization = Buffer.from(`${username}:${password}`).toString('base64')
    const response = await transport.request(target.href, {
      method: 'POST',
      headers: {
        'Content-Type': 'text/plain; charset=utf-8',
        ...(username === '' ? {} : { Authorization: `Basic ${authorization}` }),
      },
      body: Buffer.from(body),
      timeoutMs: timeout ?? 5000,
    })
    const answer = Buffer.concat(await response.body.toArray()).toString('utf8')
    if (response.statusCode >= 300) throw new Error(`InfluxDB answered with status ${response.statusCode}: ${answer}`)
  }

  async #sendDatagrams(lines: readonly string[]): Promise<void> {
    const hostname = this.#url.hostname.replace(/^\[|\]$/g, '')
    const socket = this.#resources.host.network.datagrams(hostname.includes(':') ? 'udp6' : 'udp4')
    try {
      for (const line of lines) {
        await new Promise<void>((resolve, reject) =>
          socket.send(line, Number(this.#url.port), hostname, error => (error === null ? resolve() : reject(error))),
        )
      }
    } finally {
      socket.close()
    }
  }
}

function readText(host: MetricsResources['host'], path: string): string {
  return Buffer.from(host.files.readFileSync(path)).toString('utf8')
}

/** Integers are bigint. */
function fieldsOf({ kind, value, recentNs, sumNs }: Sample, rates: Rates): Record<string, number | bigint> {
  if (kind === 'counter') return { count: BigInt(Math.round(value)) }
  if (kind === 'gauge') return { value: BigInt(Math.round(value)) }
  const [p50, p75, p95, p99, p999] = interpolatedQuantiles(recentNs, [0.5, 0.75, 0.95, 0.99, 0.999])
  const mean = value === 0 ? 0 : sumNs / value
  const recentMean = recentNs.reduce((sum, each) => sum + each, 0) / Math.max(1, recentNs.length)
  const variance = recentNs.reduce((sum, each) => sum + (each - recentMean) ** 2, 0) / Math.max(1, recentNs.length)
  return {
    count: BigInt(value),
    min: BigInt(Math.round(Math.min(...(recentNs.length === 0 ? [0] : recentNs)))),
    max: BigInt(Math.round(Math.max(0, ...recentNs))),
    mean,
    stddev: Math.sqrt(variance),
    p50: p50!,
    p75: p75!,
    p95: p95!,
    p99: p99!,
    p999: p999!,
    ...rates,
  }
}
