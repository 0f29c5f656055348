import { Buffer } from 'node:buffer'
import {
  Backoff,
  type Batch,
  batchingField,
  defineOutput,
  evaluated,
  field,
  maxInFlightField,
  throwFailures,
} from '../../engine/index.ts'
import { BulkClient, type BulkItem, onOneLine, serverFields, writeBulk } from './bulk.ts'

/** Retries of the original's client when `max_retries` is 0. */
const DEFAULT_RETRIES = 3

export default defineOutput({
  name: 'elasticsearch_v2',
  categories: ['Services'],
  version: '1.11.0',
  summary: 'Writes documents to an Elasticsearch index.',
  description:
    'The messages of a batch are sent as one bulk request. A rejected document fails on its own. The server creates missing indexes.',
  config: field.object({
    ...serverFields,
    index: field.interpolated('The index.'),
    action: field
      .interpolated('The action: `create`, `index`, `update`, `upsert` or `delete`.')
      .default('index')
      .advanced(),
    pipeline: field.string('The ingest pipeline for the documents.').default('').advanced(),
    id: field.interpolated('The id of the document.').default('${!count("elastic_ids")}-${!timestamp_unix()}'),
    routing: field
      .interpolated('The routing key, which determines the shard instead of the id.')
      .default('')
      .advanced(),
    discover_nodes_on_start: field
      .bool('Whether the addresses of the nodes of the cluster replace `urls` on connecting.')
      .default(false),
    discover_nodes_interval: field
      .duration(
        'How long the addresses of the nodes are used before the cluster is asked again; 0s means indefinitely.',
      )
      .default('0s'),
    timeout: field.duration('How long a response may take.').default('5s').advanced(),
    max_in_flight: maxInFlightField(64),
    api_key: field.string('An API key, instead of user name and password.').optional().secret(),
    batching: batchingField,
    compress_request_body: field.bool('Whether requests are compressed with gzip.').default(false).advanced(),
    retry_on_status: field.int('Status codes after which a request is retried.').list().default([502, 503, 504]),
    max_retries: field
      .int('How often a request is retried; 0 means three times without a pause.')
      .default(0)
      .advanced(),
    backoff: field
      .object({
        initial_interval: field
          .duration('The interval before the first retry; it grows by half each time.')
          .default('1s')
          .advanced(),
        max_interval: field.duration('The maximum interval between retries.').default('5s').advanced(),
        max_elapsed_time: field
          .duration('How long after its start a request may still be retried; 0s means no limit.')
          .default('30s')
          .advanced(),
      })
      .advanced(),
  }),
  needs: ['network'],
  examples: [
    {
      title: 'A document for each order',
      config: `output:
  elasticsearch_v2:
    urls: [ http://localhost:9200 ]
    index: orders
    id: \${! this.id }
    action: upsert
    batching: { count: 500, period: 1s }
`,
    },
  ],
  create(config, resources) {
    const {
      initial_interval: initialMs = 0,
      max_interval: maxMs = 0,
      max_elapsed_time: maxElapsedMs = 0,
    } = config.backoff
    const client = new BulkClient(
      config,
      {
        timeoutMs: config.timeout ?? 5000,
        apiKey: config.api_key,
        gzip: config.compress_request_body,
        retryOn: config.retry_on_status,
        retries: config.max_retries === 0 ? DEFAULT_RETRIES : config.max_retries,
        ...(config.max_retries === 0
          ? {}
          : {
              backoff: () => new Backoff({ initialMs, maxMs }, () => resources.host.random()),
              maxElapsedMs,
            }),
        discovery: { onStart: config.discover_nodes_on_start, intervalMs: config.discover_nodes_interval ?? 0 },
        query: config.pipeline === '' ? '' : `?pipeline=${encodeURIComponent(config.pipeline)}`,
      },
      resources,
    )
    const itemOf = (batch: Batch, at: number): BulkItem => {
      const action = evaluated('action', () => config.action.eval(batch, at))
      const body = onOneLine(batch[at]!.bytes())
      const item = {
        index: evaluated('index', () => config.index.eval(batch, at)),
        id: evaluated('id', () => config.id.eval(batch, at)),
        routing: evaluated('routing', () => config.routing.eval(batch, at)),
      }
      switch (action) {
        case 'index':
        case 'create':
          return { ...item, action, body }
        case 'update':
        case 'upsert':
          return { ...item, action: 'update', body: updateOf(body, action === 'upsert') }
        case 'delete':
          return { ...item, action, body: null }
        default:
          throw new Error(`elasticsearch action '${action}' is not allowed`)
      }
    }
    return {
      connect: signal => client.check(signal),
      async write(batch, signal) {
        throwFailures(batch, await writeBulk(client, batch, (_, index) => itemOf(batch, index), signal))
      },
      async writeRun(run, signal) {
        const failures = await writeBulk(client, run, message => itemOf([message], 0), signal)
        return run.map(message => failures.get(message) ?? null)
      },
      close: () => client.close(),
    }
  },
})

function updateOf(body: Uint8Array, isUpsert: boolean): Uint8Array {
  return Buffer.concat([Buffer.from('{"doc":'), body, Buffer.from(`,"doc_as_upsert":${isUpsert}}`)])
}
