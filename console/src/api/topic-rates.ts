import type { Topic } from './types.ts'

export interface MeasuredTopic extends Topic {
  /** Records written per second, between the last two samples; null until there are two. */
  readonly records_per_second: number | null
}

/** The latest sample of the topics, and the basis for their rates. */
export interface TopicSample {
  /** In milliseconds since 1970. */
  readonly measuredAt: number
  readonly recordCounts: ReadonlyMap<string, number>
  readonly topics: readonly MeasuredTopic[]
}

/** Two samples closer together than this, in milliseconds, give no meaningful rate. */
const leastInterval = 1500

/**
 * Adds the rate of each topic since the previous sample. If retention deletes more than was written in between, the
 * rate is 0.
 */
export function measureTopics(before: TopicSample | undefined, topics: readonly Topic[], now: number): TopicSample {
  const elapsed = before === undefined ? 0 : now - before.measuredAt
  if (before !== undefined && elapsed < leastInterval) {
    const rates = new Map(before.topics.map(topic => [topic.topic_name, topic.records_per_second]))
    return { ...before, topics: topics.map(topic => withRate(topic, rates.get(topic.topic_name) ?? null)) }
  }
  return {
    measuredAt: now,
    recordCounts: new Map(topics.map(topic => [topic.topic_name, topic.record_count])),
    topics: topics.map(topic => {
      const count = before?.recordCounts.get(topic.topic_name)
      if (before === undefined) return withRate(topic, null)
      // A topic that did not exist before had no records.
      return withRate(topic, (Math.max(0, topic.record_count - (count ?? 0)) / elapsed) * 1000)
    }),
  }
}

function withRate(topic: Topic, rate: number | null): MeasuredTopic {
  return { ...topic, records_per_second: rate }
}
