import { field, type FieldMap, type FieldShape } from '../fields.ts'

const cors = field.object({
  enabled: field.bool('Whether to accept cross-origin requests from browsers.').default(false).advanced(),
  allowed_origins: field.string('Origins that may send requests; `*` for any.').list().default([]).advanced(),
  allowed_headers: field.string('Request headers that are allowed.').list().default([]).advanced(),
  allowed_methods: field
    .string('Request methods that are allowed.')
    .list()
    .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .advanced(),
})

const basicAuth = field.object({
  enabled: field.bool('Whether to require a user name and password.').default(false).advanced(),
  realm: field.string('The realm shown in the login prompt.').default('restricted').advanced(),
  username: field.string('The user name.').default('').advanced(),
  password_hash: field.string('The hash of the password, in base64.').default('').advanced().secret(),
  algorithm: field.string('The hash algorithm: `md5`, `sha256`, `bcrypt` or `scrypt`.').default('sha256').advanced(),
  salt: field.string('The salt for `scrypt`, in base64.').default('').advanced().secret(),
})

const http = field.object(
  {
    enabled: field.bool('Whether to run the HTTP server.').default(true),
    address: field.string('The address to listen on.').default('0.0.0.0:4195'),
    root_path: field.string('A path prefix under which every endpoint is also served.').default('/bento'),
    debug_endpoints: field.bool('Whether to serve debug endpoints.').default(false),
    cert_file: field.string('A file with a TLS certificate; requires `key_file`.').default('').advanced(),
    key_file: field.string("A file with the certificate's private key.").default('').advanced(),
    cors: cors.advanced(),
    basic_auth: basicAuth.advanced(),
  },
  'The HTTP server.',
)

const logger = field.object(
  {
    level: field
      .string('The minimum severity of the lines to write.')
      .default('INFO')
      .options({ OFF: '', FATAL: '', ERROR: '', WARN: '', INFO: '', DEBUG: '', TRACE: '', ALL: '', NONE: '' }, false),
    format: field
      .string('The format of log lines.')
      .default('logfmt')
      .options({ json: 'One JSON object per line.', logfmt: '`key=value` pairs.' }),
    add_timestamp: field.bool('Whether to add the time to each line.').default(false),
    level_name: field.string('The key for the level.').default('level'),
    timestamp_name: field.string('The key for the time.').default('time'),
    message_name: field.string('The key for the message.').default('msg'),
    static_fields: field.string('Fields to add to every line.').map().default({ '@service': 'bento' }),
    file: field.object({
      path: field.string('The file to write to instead of the standard streams.').default(''),
      rotate: field.bool('Whether to rotate the file.').default(false),
      rotate_max_age_days: field
        .int('The number of days to keep a rotated file; 0 disables deletion by age.')
        .default(0),
    }),
    log_all_errors: field
      .bool('Whether to log processor errors at level ERROR instead of DEBUG.')
      .default(false)
      .advanced(),
  },
  'Logging.',
)

const errorHandling = field.object(
  {
    strategy: field.string('How to handle messages on which a processor failed.').default('none').options({
      none: 'Passes them on, flagged with their error.',
      reject: 'Rejects their batch immediately.',
      retry: 'Processes their batch again until it succeeds.',
    }),
    log: field.object({
      enabled: field.bool('Whether to log failures.').default(false),
      add_payload: field.bool('Whether to include the message in the log.').default(false),
      sampling_ratio: field
        .float('The fraction of failures to log, from 0 to 1.')
        .default(1)
        .lint(value => {
          const ratio = Number(value)
          return ratio < 0 || ratio > 1 ? 'sampling_ratio should be between 0 and 1.' : undefined
        }),
    }),
  },
  'How the whole stream handles messages on which a processor failed.',
)

const message = {
  content: field.string('The raw body.').optional(),
  json_content: field
    .any('The body as a document.')
    .optional()
    .examples({ id: 1, tags: ['new'] }),
  file_content: field.string('A file with the raw body.').optional().examples('./order.json'),
  metadata: field.any('The metadata.').map().optional(),
}

const condition = {
  bloblang: field
    .mapping('A mapping that must return `true`.')
    .optional()
    .examples('this.total > 0 && @kind == "order"'),
  content_equals: field.string('The exact body.').optional(),
  content_matches: field.string('A regular expression that the body must match.').optional().examples('^order [0-9]+$'),
  metadata_equals: field.any('Metadata values that must be present.').map().optional(),
  file_equals: field.string('A file with the exact body.').optional().examples('./order.txt'),
  file_json_equals: field
    .string('A file with the document that the body must equal.')
    .optional()
    .examples('./order.json'),
  json_equals: field.any('The document that the body must equal.').optional().examples({ id: 1 }),
  json_contains: field.any('A document that the body must contain.').optional().examples({ id: 1 }),
  file_json_contains: field
    .string('A file with a document that the body must contain.')
    .optional()
    .examples('./order.json'),
}

/** The fields of one unit test. */
export const testFields = {
  name: field.string('The name of the test.'),
  environment: field.string('Environment variables for the test.').map().optional(),
  target_processors: field
    .string('A pointer to, or the label of, the processors to test.')
    .default('/pipeline/processors'),
  target_mapping: field.string('A mapping file to test instead of processors.').default(''),
  mocks: field.any('Components to replace with mocks, by label or pointer.').map().optional(),
  input_batch: field.object(message).list().optional(),
  input_batches: field.object(message).listOfLists().optional(),
  output_batches: field.object(condition).listOfLists().optional(),
} satisfies FieldMap

const tests = field.object(testFields, 'Unit tests.').list().advanced().optional()

const warpstream = field
  .object(
    {
      cluster_concurrency_target: field
        .int('The minimum number of instances in the whole cluster; every agent runs the same number.')
        .optional(),
      agent_concurrency_target: field.int('The number of instances on each agent.').optional(),
      exact_concurrency: field.int('The exact number of instances in the whole cluster.').optional(),
      pipeline_group: field.string('The group of agents that may run the pipeline.').optional(),
      exactly_once: field
        .bool('Whether to commit consumed offsets and produced records of its own cluster in one transaction.')
        .optional(),
      scheduling: field
        .object({
          run_every: field.duration('The interval at which to run a stream again that ends on its own.').optional(),
        })
        .optional(),
    },
    'How a managed pipeline is distributed over agents. Has no effect on a standalone stream.',
  )
  .advanced()
  .optional()

const label = 'A component that other components refer to by its label.'

/** The fields of a stream. */
export const streamFields = {
  input: field.input('Where messages come from.').default({ stdin: {} }),
  buffer: field.component('buffer', 'The buffer between input and pipeline.').default({ none: {} }),
  pipeline: field.object(
    {
      threads: field
        .int(
          'The number of batches to process concurrently; -1 for one per CPU. If it is 2 or more, slow processors run in that many threads, and messages may be reordered.',
        )
        .default(-1),
      processors: field.processors('The processors, which run in order.').default([]),
    },
    'How messages are processed.',
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
  shutdown_delay: field.string('How long to wait before shutdown starts.').default('0s'),
  shutdown_timeout: field.string('How long a graceful shutdown may take.').default('20s'),
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
