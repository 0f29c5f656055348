import {
  type Batch,
  batchingField,
  defineOutput,
  evaluated,
  field,
  maxInFlightField,
  type Resources,
  throwFailures,
} from '../../engine/index.ts'
import { sha256, Signer } from '../../storage/index.ts'
import { awsConfig, AwsSession, type SessionConfig, sessionFields } from '../aws/session.ts'
import { BulkClient, type BulkItem, type BulkRequest, onOneLine, serverFields, writeBulk } from './bulk.ts'

const ANSWER_TIMEOUT_MS = 60_000
/** The service's name in signatures, which dates from Elasticsearch. */
const SERVICE = 'es'

export default defineOutput({
  name: 'opensearch',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Writes documents to an OpenSearch index.',
  description:
    'The messages of a batch are sent as one bulk request. A rejected document fails on its own. The body of an `update` must have `doc`, `upsert` or `script` at the top level.',
  config: field.object({
    ...serverFields,
    index: field.interpolated('The index.'),
    action: field.interpolated('The action: `create`, `index`, `update` or `delete`.'),
    id: field.interpolated('The id of the document.').examples('${!counter()}-${!timestamp_unix()}'),
    pipeline: field.interpolated('The ingest pipeline for the documents.').default('').advanced(),
    routing: field
      .interpolated('The routing key, which determines the shard instead of the id.')
      .default('')
      .advanced(),
    max_in_flight: maxInFlightField(64),
    batching: batchingField,
    aws: awsConfig({
      enabled: field
        .bool('Whether to sign requests for AWS, as domains of Amazon OpenSearch Service require.')
        .default(false)
        .advanced(),
      ...sessionFields,
    })
      .optional()
      .advanced(),
  }),
  needs: ['network'],
  examples: [
    {
      title: 'Updating documents',
      config: `output:
  processors:
    - mapping: |
        meta id = this.id
        root.doc = this
  opensearch:
    urls: [ http://localhost:9200 ]
    index: orders
    id: \${! @id }
    action: update
`,
    },
  ],
  create(config, resources) {
    const options = {
      timeoutMs: ANSWER_TIMEOUT_MS,
      retryOn: [502, 503, 504],
      retries: 3,
      ...(config.aws?.enabled === true && { sign: signerOf(config.aws, resources) }),
    }
    const client = new BulkClient(config, options, resources)
    const itemOf = (batch: Batch, at: number): BulkItem => {
      const action = evaluated('action', () => config.action.eval(batch, at))
      if (action !== 'index' && action !== 'create' && action !== 'update' && action !== 'delete') {
        throw new Error(`opensearch action '${action}' is not allowed`)
      }
      return {
        action,
        index: evaluated('index', () => config.index.eval(batch, at)),
        pipeline: evaluated('pipeline', () => config.pipeline.eval(batch, at)),
        routing: evaluated('routing', () => config.routing.eval(batch, at)),
        id: evaluated('id', () => config.id.eval(batch, at)),
        body: action === 'delete' ? null : onOneLine(batch[at]!.bytes()),
      }
    }
    return {
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

function signerOf(aws: SessionConfig, resources: Resources) {
  const session = new AwsSession(aws, resources)
  let signer: Signer | undefined
  return async ({ method, url, body }: BulkRequest) => {
    signer ??= new Signer(await session.region(), SERVICE)
    const request = {
      method,
      host: url.host,
      path: url.pathname,
      query: url.search.slice(1),
      payloadHash: sha256(body ?? ''),
    }
    return signer.sign(request, await session.credentials(), new Date(resources.clock.now()))
  }
}
