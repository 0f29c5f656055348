import { prometheusFamily, prometheusSample } from '../../base/index.ts'
import {
  addressOfUrl,
  defineMetrics,
  field,
  HttpTransport,
  type Infer,
  type MetricsExporter,
  type MetricsResources,
  type ProcessFigures,
  prometheusText,
  type Sample,
} from '../../engine/index.ts'

const pushTimeoutMs = 10_000
/** The default buckets of Prometheus' own libraries, in seconds. */
const defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const config = field.object({
  use_histogram_timing: field
    .bool('Whether timings are exported as histograms in seconds rather than as summaries in nanoseconds.')
    .default(false)
    .advanced(),
  histogram_buckets: field
    .float('The upper bounds of the histogram buckets, in seconds. By default from 0.005 to 10.')
    .list()
    .default([])
    .advanced(),
  summary_quantiles_objectives: field
    .object(
      {
        quantile: field.float('The quantile, such as 0.99.').default(0).advanced(),
        error: field
          .float('The allowed error. Quantiles here are exact for the latest 512 observations.')
          .default(0)
          .advanced(),
      },
      'The quantiles of summaries.',
    )
    .list()
    .default([
      { quantile: 0.5, error: 0.05 },
      { quantile: 0.9, error: 0.01 },
      { quantile: 0.99, error: 0.001 },
    ])
    .advanced(),
  add_process_metrics: field
    .bool('Whether processor time, memory and open files of the process are exported as well.')
    .default(false)
    .advanced(),
  add_go_metrics: field.bool('Has no effect: these are metrics of the Go runtime.').default(false).advanced(),
  push_url: field
    .string(
      'The URL of a push gateway to which the metrics are sent when the program ends, without the path `/metrics/job/…`.',
    )
    .needs('network', value => addressOfUrl(value))
    .advanced()
    .optional(),
  push_interval: field.duration('How often metrics are also pushed while the program runs.').advanced().optional(),
  push_job_name: field.string('The job name at the push gateway.').default('bento_push').advanced(),
  push_basic_auth: field
    .object(
      {
        username: field.string('The user name at the push gateway.').default('').advanced(),
        password: field.string('The password at the push gateway.').default('').secret().advanced(),
      },
      'Authentication at the push gateway.',
    )
    .advanced(),
  file_output_path: field
    .string('A file to which the metrics are written when the program ends.')
    .needs('files')
    .default('')
    .advanced(),
  use_default_registry: field.bool('Has no effect: a program has a single registry.').default(false).advanced(),
})

type Config = Infer<typeof config>

export default defineMetrics({
  name: 'prometheus',
  summary: 'Exposes metrics for Prometheus on `/metrics` and `/stats`.',
  description:
    'Programs that end before they are scraped can send their metrics to a push gateway (`push_url`) or write them to a file (`file_output_path`) instead.',
  config,
  create: (settings, resources) => new Prometheus(settings, resources),
})

class Prometheus implements MetricsExporter {
  readonly boundsSeconds?: readonly number[]
  readonly periodMs?: number
  readonly #config: Config
  readonly #resources: MetricsResources
  readonly #transport: HttpTransport | undefined

  constructor(settings: Config, resources: MetricsResources) {
    this.#config = settings
    this.#resources = resources
    if (settings.use_histogram_timing) {
      const bounds = settings.histogram_buckets.length === 0 ? defaultBounds : settings.histogram_buckets
      this.boundsSeconds = bounds.toSorted((left, right) => left - right)
    }
    if ((settings.push_url ?? '') === '') return
    this.#transport = new HttpTransport({ sockets: resources.host.network })
    if (settings.push_interval !== undefined) this.periodMs = settings.push_interval
  }

  page(samples: readonly Sample[]): { type: string; text: string } {
    return { type: 'text/plain; version=0.0.4; charset=utf-8', text: this.#text(samples) }
  }

  async send(samples: readonly Sample[], isLast: boolean): Promise<void> {
    const { file_output_path: path } = this.#config
    const text = this.#text(samples)
    if (isLast && path !== '') await this.#resources.host.files.writeFile(path, text)
    if (this.#transport !== undefined) await this.#push(this.#transport, text)
  }

  async close(): Promise<void> {
    await this.#transport?.close()
  }

  #text(samples: readonly Sample[]): string {
    const { summary_quantiles_objectives: objectives, add_process_metrics: addsProcess } = this.#config
    const figures = addsProcess ? this.#resources.processFigures?.() : undefined
    const timers =
      this.boundsSeconds === undefined
        ? { quantiles: objectives.map(({ quantile }) => quantile) }
        : { boundsSeconds: this.boundsSeconds }
    return prometheusText(samples, timers) + (figures === undefined ? '' : processText(figures))
  }

  async #push(transport: HttpTransport, text: string): Promise<void> {
    const { push_url: url = '', push_basic_auth: auth, push_job_name: job } = this.#config
    const authorization = Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
    const response = await transport.request(`${url.replace(/\/$/, '')}/metrics/${jobPath(job)}`, {
      method: 'PUT',
      headers: {
        'Content-Type': 'text/plain; version=0.0.4',
        ...(auth.username === '' || auth.password === '' ? {} : { Authorization: `Basic ${authorization}` }),
      },
      body: Buffer.from(text),
      timeoutMs: pushTimeoutMs,
    })
    response.body.resume()
    if (response.statusCode !== 200 && response.statusCode !== 202) {
      throw new Error(`the push gateway at ${url} answered with status ${response.statusCode}`)
    }
  }
}

/** Names that a path cannot contain are sent in base64, as specified by the push gateway. */
function jobPath(job: string): string {
  return job.includes('/') ? `job@base64/${Buffer.from(job).toString('base64url')}` : `job/${encodeURIComponent(job)}`
}

function processText(figures: ProcessFigures): string {
  const family = (name: string, type: 'counter' | 'gauge', help: string, value: number) =>
    prometheusFamily(`process_${name}`, type, help, [prometheusSample(`process_${name}`, {}, value)])
  return [
    family('cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.', figures.cpuSeconds),
    family('open_fds', 'gauge', 'Number of open file descriptors.', figures.openFiles),
    family('resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', figures.residentBytes),
    family(
      'start_time_seconds',
      'gauge',
      'Start time of the process since unix epoch in seconds.',
      figures.startedAtSeconds,
    ),
    family('virtual_memory_bytes', 'gauge', 'Virtual memory size in bytes.', figures.virtualBytes),
  ].join('')
}
