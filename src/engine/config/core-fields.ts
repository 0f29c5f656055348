import { field, type FieldMap, type FieldShape } from '../fields.ts'

const cors = field.object({
  enabled: field.bool('Whether browsers on other sites may call.').default(false).advanced(),
  allowed_origins: field.string('Sites that may call; `*` for any.').list().default([]).advanced(),
  allowed_headers: field.string('Headers that a request may carry.').list().default([]).advanced(),
  allowed_methods: field
    .string('Methods that a request may use.')
    .list()
    .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .advanced(),
})

const basicAuth = field.object({
  enabled: field.bool('Whether a name and password are asked for.').default(false).advanced(),
  realm: field.string('The realm that is shown when asking.').default('restricted').advanced(),
  username: field.string('The name.').default('').advanced(),
  password_hash: field.string('The hash of the password, base64.').default('').advanced().secret(),
  algorithm: field.string('The hash: `md5`, `sha256`, `bcrypt` or `scrypt`.').default('sha256').advanced(),
  salt: field.string('The salt of `scrypt`, base64.').default('').advanced().secret(),
})

const http = field.object(
  {
    enabled: field.bool('Whether there is an HTTP server.').default(true),
    address: field.string('Where it listens.').default('0.0.0.0:4195'),
    root_path: field.string('A prefix under which every endpoint is found as well.').default('/bento'),
    debug_endpoints: field.bool('Whether endpoints for debugging exist.').default(false),
    cert_file: field.string('A TLS certificate.').default('').advanced(),
    key_file: field.string("The certificate's key.").default('').advanced(),
    cors: cors.advanced(),
    basic_auth: basicAuth.advanced(),
  },
  'The HTTP server.',
)

const logger = field.object(
  {
    level: field
      .string('The least severe lines that are written.')
      .default('INFO')
      .options({ OFF: '', FATAL: '', ERROR: '', WARN: '', INFO: '', DEBUG: '', TRACE: '', ALL: '', NONE: '' }, false),
    format: field
      .string('How lines are written.')
      .default('logfmt')
      .options({ json: 'One JSON object a line.', logfmt: '`key=value` pairs.' }),
    add_timestamp: field.bool('Whether lines carry the time.').default(false),
    level_name: field.string('The key of the level.').default('level'),
    timestamp_name: field.string('The key of the time.').default('time'),
    message_name: field.string('The key of the message.').default('msg'),
    static_fields: field.string('Fields of every line.').map().default({ '@service': 'bento' }),
    file: field.object({
      path: field.string('A file to write to instead of the standard streams.').default(''),
      rotate: field.bool('Whether the file is rotated.').default(false),
      rotate_max_age_days: field.int('How many days rotated files are kept; 0 keeps them.').default(0),
    }),
    log_all_errors: field.bool('Whether errors of processors are logged as errors.').default(false).advanced(),
  },
  'How the stream logs.',
)

const errorHandling = field.object(
  {
    strategy: field.string('What becomes of messages that failed.').default('none').options({
      none: 'They go on, flagged.',
      reject: 'Their batch is refused at once.',
      retry: 'Their batch is processed again until it succeeds.',
    }),
    log: field.object({
      enabled: field.bool('Whether failures are logged.').default(false),
      add_payload: field.bool('Whether the message is logged with them.').default(false),
      sampling_ratio: field
        .float('The share of failures that is logged.')
        .default(1)
        .lint(value => {
          const ratio = Number(value)
          return ratio < 0 || ratio > 1 ? 'sampling_ratio should be between 0 and 1.' : undefined
        }),
    }),
  },
  'What happens to messages that failed, everywhere.',
)

const message = {
  content: field.string('The raw content.').optional(),
  json_content: field.any('The content as a document.').optional(),
  file_content: field.string('A file with the content.').optional(),
  metadata: field.any('Metadata.').map().optional(),
}

const condition = {
  bloblang: field.mapping('A mapping that must yield true.').optional(),
  content_equals: field.string('The exact content.').optional(),
  content_matches: field.string('A regular expression that the content must match.').optional(),
  metadata_equals: field.any('Metadata that must be there.').map().optional(),
  file_equals: field.string('A file with the exact content.').optional(),
  file_json_equals: field.string('A file with the same document.').optional(),
  json_equals: field.any('The same document.').optional(),
  json_contains: field.any('A document that must be contained.').optional(),
  file_json_contains: field.string('A file with a document that must be contained.').optional(),
}

/** The fields of one unit test. */
export const testFields = {
  name: field.string('The name of the test.'),
  environment: field.string('Environment variables of the test.').map().optional(),
  target_processors: field.string('Which processors run.').default('/pipeline/processors'),
  target_mapping: field.string('A mapping file to run instead.').default(''),
  mocks: field.any('Processors in the place of others.').map().optional(),
  input_batch: field.object(message).list().optional(),
  input_batches: field.object(message).listOfLists().optional(),
  output_batches: field.object(condition).listOfLists().optional(),
} satisfies FieldMap

const tests = field.object(testFields, 'Unit tests.').list().advanced().optional()

const warpstream = field
  .object(
    {
      cluster_concurrency_target: field
        .int('At least this many instances in the whole cluster, the same number on each agent.')
        .optional(),
      agent_concurrency_target: field.int('This many instances on each agent.').optional(),
      exact_concurrency: field.int('Exactly this many instances in the whole cluster.').optional(),
      pipeline_group: field.string('Only agents of this group run it.').optional(),
      exactly_once: field
        .bool('Whether offsets that are read and records that are written in its own cluster are committed together.')
        .optional(),
      scheduling: field
        .object({ run_every: field.duration('Runs a stream that ends by itself again after this period.').optional() })
        .optional(),
    },
    'How a managed pipeline is spread over agents. A stream that is run by itself has no use for it.',
  )
  .advanced()
  .optional()

const label = 'Named for use from elsewhere.'

/** The fields of a stream. */
export const streamFields = {
  input: field.input('Where messages come from.').default({ stdin: {} }),
  buffer: field.component('buffer', 'What holds messages between input and pipeline.').default({ none: {} }),
  pipeline: field.object(
    {
      threads: field
        .int(
          'How many batches are processed at a time; -1 for one by CPU. From 2 on, processors that take long run in as many threads, and messages may change their order.',
        )
        .default(-1),
      processors: field.processors('The processors, in order.').default([]),
    },
    'What is done with messages.',
  ),
  output: field.output('Where messages go.').default({ stdout: {} }),
} satisfies FieldMap

/** The fields of a resource file. */
export const resourceFields = {
  input_resources: field.input(label).list().default([]).advanced().lint(requireLabel),
  processor_resources: field.processor(label).list().default([]).advanced().lint(requireLabel),
  output_resources: field.output(label).list().default([]).advanced().lint(requireLabel),
  cache_resources: field.component('cache', label).list().default([]).advanced().lint(requireLabel),
  rate_limit_resources: field.component('rate_limit', label).list().default([]).advanced().lint(requireLabel),
} satisfies FieldMap

/** The fields of the service, which every configuration may have besides its stream. */
const serviceFields = {
  logger,
  metrics: field.component('metrics', 'Where metrics go.').default({ mapping: '', prometheus: {} }),
  tracer: field.component('tracer', 'Where traces go.').default({ none: {} }),
  shutdown_delay: field.string('How long to wait before shutting down.').default('0s'),
  shutdown_timeout: field.string('How long a clean shutdown may take.').default('20s'),
  error_handling: errorHandling,
  tests,
} satisfies FieldMap

/** The fields of a whole configuration, in the order in which they are printed. */
export const configFields = {
  http,
  ...streamFields,
  ...resourceFields,
  ...serviceFields,
  warpstream,
} satisfies FieldMap

/** The shape of each field, by name. */
export function shapesOf(fields: FieldMap): Record<string, FieldShape> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.shape]))
}

/** Resources are looked up by label, so each needs a unique one. */
function requireLabel(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const name: unknown = 'label' in value ? value.label : undefined
  return typeof name === 'string' && name !== ''
    ? undefined
    : 'the label field for resources must be unique and not empty'
}
