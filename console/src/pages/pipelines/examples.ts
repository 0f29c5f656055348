export interface Example {
  readonly name: string
  readonly note: string
  readonly text: string
}

/** Configurations to start from, each complete enough to be saved and run. */
export const examples: readonly Example[] = [
  {
    name: 'Event generator',
    note: 'Writes a thousand sample events to a topic, one per second.',
    text: `input:
  generate:
    count: 1000
    interval: 1s
    mapping: |
      root = if random_int() % 2 == 0 {
        { "type": "foo", "foo": "xyz" }
      } else {
        { "type": "bar", "bar": "abc" }
      }
output:
  kafka_franz_warpstream:
    topic: "bento_test"
warpstream:
  cluster_concurrency_target: 1
`,
  },
  {
    name: 'Transform a topic',
    note: 'Reads a topic as a consumer group, changes each record, writes another topic.',
    text: `input:
  kafka_franz_warpstream:
    topics: ["bento_test"]
    consumer_group: "transform"

pipeline:
  processors:
    - mapping: |
        root = this
        root.type = this.type.uppercase()
        root.seen_at = now()

output:
  kafka_franz_warpstream:
    topic: "bento_test_transformed"
`,
  },
  {
    name: 'Route by content',
    note: 'Routes each record to a topic by its content.',
    text: `input:
  kafka_franz_warpstream:
    topics: ["bento_test"]
    consumer_group: "route"

output:
  switch:
    cases:
      - check: this.type == "foo"
        output:
          kafka_franz_warpstream:
            topic: "foo_events"
      - output:
          kafka_franz_warpstream:
            topic: "other_events"
`,
  },
  {
    name: 'Filter',
    note: 'Keeps the records that match a condition and drops the rest.',
    text: `input:
  kafka_franz_warpstream:
    topics: ["bento_test"]
    consumer_group: "filter"

pipeline:
  processors:
    # A deleted message is acknowledged and goes no further.
    - mapping: |
        root = if this.type != "foo" { deleted() }

output:
  kafka_franz_warpstream:
    topic: "only_foo"
`,
  },
  {
    name: 'HTTP to topic',
    note: 'Writes bodies posted to /ingest on the pipelines port to a topic.',
    text: `input:
  http_server:
    path: /ingest

output:
  kafka_franz_warpstream:
    topic: "ingested"
`,
  },
]
