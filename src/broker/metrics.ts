import { type Clock, type Log, prometheusFamily, prometheusSample } from '../base/index.ts'
import { type CommittedOffset, type Metadata, MetadataError } from '../metadata/index.ts'
import type { BrokerCounters } from './counters.ts'
import { epochOf, type Group, type Groups, offsetsTopicName } from './groups/index.ts'
import type { ClientMetrics } from './telemetry/client-metrics.ts'
import { type LatencyHistogram, latencyBoundsSeconds } from './latency-histogram.ts'

export interface BrokerMetricsOptions {
  readonly counters: BrokerCounters
  readonly metadata: Metadata
  readonly groups: Groups
  readonly telemetry: ClientMetrics
  readonly clock: Clock
  readonly log: Log
}

/** How long group figures are cached, in milliseconds, so that not every scrape reads them. */
const GROUPS_MAX_AGE_MS = 10_000

/** One partition of a group, as monitors need it. */
interface Lag {
  readonly labels: Readonly<Record<'consumer_group' | 'topic' | 'partition', string>>
  readonly maxOffset: number
  readonly lag: number
  /** Age of the next records; within an extent the youngest record counts. */
  readonly lagSeconds: number
  readonly committedAt: number
}

interface GroupFigures {
  readonly id: string
  readonly group: Group
  readonly lags: readonly Lag[]
}

/** The broker's metrics for Prometheus, with the original's names. */
export class BrokerMetrics {
  readonly #options: BrokerMetricsOptions
  #groups: Promise<readonly GroupFigures[]> | undefined
  #groupsReadAt = 0

  constructor(options: BrokerMetricsOptions) {
    this.#options = options
  }

  /**
   * All metric families in the Prometheus text format. Groups are those that this broker coordinates, and client
   * metrics those that were pushed to it.
   */
  async text(): Promise<string> {
    return this.#requests() + this.#topics() + (await this.#groupFamilies()) + this.#options.telemetry.text()
  }

  #requests(): string {
    const { latencies, produceStages } = this.#options.counters
    return (
      histograms(
        'warpstream_agent_kafka_request_latency',
        'Seconds from a request to its response, including waiting.',
        Array.from(latencies, ([api, histogram]) => [{ request_type: api }, histogram]),
      ) +
      histograms(
        'penstock_kafka_produce_stage_latency',
        'Seconds that produced records spend in each stage; flush, put and commit are counted per object.',
        Object.entries(produceStages).map(([stage, histogram]) => [{ stage }, histogram]),
      )
    )
  }

  #topics(): string {
    const { byName } = this.#options.metadata.catalog()
    // Only topics that users created, as in the console, not the copy of committed offsets.
    const topics = [...byName.values()].filter(({ name }) => name !== offsetsTopicName)
    const partitions = topics.reduce((sum, topic) => sum + topic.partitions.length, 0)
    return (
      gauge('warpstream_topics_count', 'Topics of the cluster.', [[{}, topics.length]]) +
      gauge('warpstream_partitions_count', 'Partitions of the cluster.', [[{}, partitions]])
    )
  }

  async #groupFamilies(): Promise<string> {
    const { clock, log } = this.#options
    if (this.#groups === undefined || clock.monotonic() - this.#groupsReadAt > GROUPS_MAX_AGE_MS) {
      this.#groupsReadAt = clock.monotonic()
      this.#groups = this.#readGroups()
    }
    try {
      return groupsText(await this.#groups)
    } catch (error) {
      this.#groups = undefined
      if (!(error instanceof MetadataError)) throw error
      log.warn('the lag of groups could not be read', { error: error.message })
      return ''
    }
  }

  async #readGroups(): Promise<GroupFigures[]> {
    const figures: GroupFigures[] = []
    for (const { id, group } of await this.#options.groups.list()) {
      const offsets = await this.#options.metadata.groupOffsets(id)
      figures.push({ id, group, lags: await this.#lagsOf(id, offsets) })
    }
    return figures
  }

  async #lagsOf(group: string, offsets: readonly CommittedOffset[]): Promise<Lag[]> {
    const { metadata, clock } = this.#options
    const { byId } = metadata.catalog()
    const known = offsets.flatMap(committed => {
      const topic = byId.get(committed.topic)
      const partition = topic?.partitions[committed.partition]
      return partition === undefined ? [] : [{ committed, topic: topic!.name, partition }]
    })
    const queries = known.map(({ committed, partition }) => ({
      partition,
      offset: committed.offset,
      maxBytes: 1,
      withAborted: false,
    }))
    const answers = queries.length === 0 ? [] : await metadata.findExtents(queries)
    return known.flatMap(({ committed, topic }, i): Lag[] => {
      const answer = answers[i]
      if (!answer) return []
      const next = answer.extents[0]
      return [
        {
          labels: { consumer_group: group, topic, partition: String(committed.partition) },
          maxOffset: committed.offset,
          lag: Math.max(0, answer.highWatermark - committed.offset),
          lagSeconds: next === undefined ? 0 : Math.max(0, (clock.now() - next.maxTimestamp) / 1000),
          committedAt: committed.committedAt,
        },
      ]
    })
  }
}

function groupsText(groups: readonly GroupFigures[]): string {
  const lags = groups.flatMap(each => each.lags)
  const ofGroups = (value: (figures: GroupFigures) => number): Series[] =>
    groups.map(figures => [{ consumer_group: figures.id }, value(figures)])
  const ofLags = (value: (lag: Lag) => number): Series[] => lags.map(lag => [lag.labels, value(lag)])
  const topicsOf = ({ lags: own }: GroupFigures) => new Set(own.map(({ labels }) => labels.topic)).size
  const prefix = 'warpstream_consumer_group'
  return [
    gauge(
      `${prefix}_state`,
      'The state of the group, as the label group_state.',
      groups.map(({ id, group }) => [{ consumer_group: id, group_state: group.phase }, 1]),
    ),
    gauge(
      `${prefix}_generation_id`,
      'The generation or epoch of the group.',
      ofGroups(({ group }) => epochOf(group)),
    ),
    gauge(
      `${prefix}_num_members`,
      'Members of the group.',
      ofGroups(({ group }) => group.members.size),
    ),
    gauge(`${prefix}_num_topics`, 'Topics with committed offsets of the group.', ofGroups(topicsOf)),
    gauge(
      `${prefix}_num_partitions`,
      'Partitions with committed offsets of the group.',
      ofGroups(({ lags: own }) => own.length),
    ),
    gauge(
      `${prefix}_max_offset`,
      'The committed offset.',
      ofLags(({ maxOffset }) => maxOffset),
    ),
    gauge(
      `${prefix}_lag`,
      'Records behind the end of the partition.',
      ofLags(({ lag }) => lag),
    ),
    gauge(
      `${prefix}_estimated_lag_very_coarse_do_not_use_to_measure_e2e_seconds`,
      'Age of the records that the group reads next, by their timestamps.',
      ofLags(({ lagSeconds }) => lagSeconds),
    ),
    gauge(
      `${prefix}_commit_ts`,
      'When the offset was committed, in seconds since 1970.',
      ofLags(({ committedAt }) => committedAt / 1000),
    ),
  ].join('')
}

function histograms(
  name: string,
  help: string,
  series: readonly (readonly [labels: Readonly<Record<string, string>>, histogram: LatencyHistogram])[],
): string {
  const samples = series.flatMap(([labels, histogram]) => {
    const cumulative = histogram.cumulative()
    return [
      ...latencyBoundsSeconds.map((bound, i) =>
        prometheusSample(`${name}_bucket`, { ...labels, le: String(bound) }, cumulative[i]!),
      ),
      prometheusSample(`${name}_bucket`, { ...labels, le: '+Inf' }, histogram.count),
      prometheusSample(`${name}_sum`, labels, histogram.sumSeconds),
      prometheusSample(`${name}_count`, labels, histogram.count),
    ]
  })
  return prometheusFamily(name, 'histogram', help, samples)
}

type Series = readonly [labels: Readonly<Record<string, string>>, value: number]

function gauge(name: string, help: string, series: readonly Series[]): string {
  return prometheusFamily(
    name,
    'gauge',
    help,
    series.map(([labels, value]) => prometheusSample(name, labels, value)),
  )
}
