import type { CloudWatchClient, MetricDatum } from '@aws-sdk/client-cloudwatch'
import {
  defineMetrics,
  field,
  type MetricsExporter,
  type MetricsResources,
  type Sample,
  type SampleChange,
  SampleChanges,
} from '../../engine/index.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields, type SessionConfig } from './session.ts'

/** The original's limit per request; the service accepts more. */
const maxDatums = 20
const maxValues = 150
const maxDimensions = 10

export default defineMetrics({
  name: 'aws_cloudwatch',
  status: 'stable',
  summary: 'Sends metrics to CloudWatch.',
  description: `Labels become dimensions, ten at most. Timings are sent in microseconds, as the values of a period with their counts;
if there are more than ${maxValues} distinct values, the latest are sent. AWS bills per series: drop what is not needed with a \`mapping\`.

${credentialsHelp}`,
  config: awsConfig({
    namespace: field.string('The namespace of the metrics.').default('Bento'),
    flush_period: field.duration('How often metrics are sent.').default('100ms').advanced(),
    ...sessionFields,
  }),
  needs: ['network'],
  requires: ['@aws-sdk/client-cloudwatch'],
  create: (config, resources) => new CloudWatch(config.namespace, config.flush_period ?? 100, config, resources),
})

class CloudWatch implements MetricsExporter {
  readonly periodMs: number
  readonly #namespace: string
  readonly #session: AwsSession
  readonly #clock: MetricsResources['host']
  readonly #changes = new SampleChanges()
  readonly #gauges = new Map<string, number>()
  #library: typeof import('@aws-sdk/client-cloudwatch') | undefined
  #client: CloudWatchClient | undefined
  /** Data that could not be sent yet. */
  #pending: MetricDatum[] = []

  constructor(namespace: string, periodMs: number, config: SessionConfig, resources: MetricsResources) {
    this.periodMs = periodMs
    this.#namespace = namespace
    this.#session = new AwsSession(config, resources)
    this.#clock = resources.host
  }

  async send(samples: readonly Sample[]): Promise<void> {
    const at = new Date(Number(this.#clock.now() / 1_000_000n))
    this.#pending.push(...this.#changes.next(samples).flatMap(change => this.#datum(change, at)))
    if (this.#pending.length === 0) return
    const { library, client } = await this.#connect()
    while (this.#pending.length > 0) {
      const datums = this.#pending.slice(0, maxDatums)
      await client.send(new library.PutMetricDataCommand({ Namespace: this.#namespace, MetricData: datums }))
      this.#pending.splice(0, datums.length)
    }
  }

  close(): void {
    this.#client?.destroy()
  }

  async #connect() {
    this.#library ??= await import('@aws-sdk/client-cloudwatch')
    this.#client ??= new this.#library.CloudWatchClient(await this.#session.clientOptions('CLOUDWATCH'))
    return { library: this.#library, client: this.#client }
  }

  #datum({ sample, count, observedNs }: SampleChange, at: Date): readonly MetricDatum[] {
    const { name, kind, key, labels, value } = sample
    const dimensions = Object.entries(labels).filter(([, text]) => text !== '')
    const common = {
      MetricName: name,
      Timestamp: at,
      Dimensions: dimensions.slice(0, maxDimensions).map(([Name, Value]) => ({ Name, Value })),
    }
    switch (kind) {
      case 'counter':
        return count === 0 ? [] : [{ ...common, Unit: 'Count', Value: count }]
      case 'gauge': {
        if (this.#gauges.get(key) === value) return []
        this.#gauges.set(key, value)
        return [{ ...common, Unit: 'None', Value: value }]
      }
      case 'timer': {
        if (observedNs.length === 0) return []
        const counts = new Map<number, number>()
        for (const ns of observedNs.toReversed()) {
          const us = Math.floor(ns / 1000)
          if (counts.has(us) || counts.size < maxValues) counts.set(us, (counts.get(us) ?? 0) + 1)
        }
        return [{ ...common, Unit: 'Microseconds', Values: [...counts.keys()], Counts: [...counts.values()] }]
      }
    }
  }
}
