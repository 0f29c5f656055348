import { addressOfUrl, type AnySpec, field, type Infer, maxInFlightField, nodeOf } from '../../engine/index.ts'

const overrides = (what: string) => field.string(`The ${what} of every event, overriding its own.`).default('')

const config = field.object({
  url: field
    .string('The full URL of the collector endpoint.')
    .needs('network', value => addressOfUrl(value))
    .examples('https://foobar.splunkcloud.com/services/collector/event'),
  token: field.string('The authentication token.'),
  gzip: field.bool('Whether requests are compressed with gzip.').default(false),
  event_host: overrides('host'),
  event_source: overrides('source'),
  event_sourcetype: overrides('type of source'),
  event_index: overrides('index'),
  batching_count: field.int('The number of messages that completes a batch; 0 means no such limit.').default(100),
  batching_period: field.string('How long an incomplete batch waits.').default('30s'),
  batching_byte_size: field
    .int('The number of bytes that completes a batch; 0 means no such limit. Splunk recommends at most 1 MB.')
    .default(1_000_000),
  rate_limit: field.string('A rate limit resource that limits the requests.').default('').advanced(),
  max_in_flight: maxInFlightField(64).advanced(),
  skip_cert_verify: field
    .bool("Whether to skip the verification of the server's certificate.")
    .default(false)
    .advanced(),
})

/**
 * Statuses with which the collector signals that the same request would fail again: no event, no token, a wrong token.
 */
const finalStatuses = [400, 401, 403]

export default {
  kind: 'output',
  name: 'splunk_hec',
  status: 'stable',
  categories: ['Services'],
  summary: 'Sends events to a Splunk HTTP Event Collector.',
  description:
    'A message that is an object with the field `event` is sent unchanged; anything else becomes the `event` of a new one, as text. The events of a batch are sent in one request, which fails as a whole. A failed request is retried three times, except after the statuses 400, 401 and 403. The output is a preconfigured `http_client`.',
  config,
  needs: ['network'],
  expandsTo: ['http_client', 'archive', 'compress', 'mapping'],
  expand: values =>
    // Parsed by the fields above.
    nodeOf(httpClientOf(values as Infer<typeof config>)),
} satisfies AnySpec

function httpClientOf(options: Infer<typeof config>): unknown {
  const { gzip } = options
  const archive = { archive: { format: 'lines' } }
  const compress = { compress: { algorithm: 'gzip' } }
  const headers = { 'Content-Type': 'application/json', Authorization: `Splunk ${options.token}` }
  return {
    http_client: {
      url: options.url,
      verb: 'POST',
      headers: { ...headers, ...(gzip ? { 'Content-Encoding': 'gzip' } : {}) },
      drop_on: finalStatuses,
      rate_limit: options.rate_limit,
      max_in_flight: options.max_in_flight,
      tls: { enabled: true, skip_cert_verify: options.skip_cert_verify },
      batching: {
        count: options.batching_count,
        period: options.batching_period,
        byte_size: options.batching_byte_size,
        processors: gzip ? [archive, compress] : [archive],
      },
    },
    processors: [{ mapping: eventMapping(options) }],
  }
}

function eventMapping(options: Infer<typeof config>): string {
  const overriding = (['host', 'source', 'sourcetype', 'index'] as const)
    .filter(name => options[`event_${name}`] !== '')
    .map(name => `root.${name} = ${JSON.stringify(options[`event_${name}`])}`)
  return [
    'let own = this | {}',
    'let isEvent = if $own.type() == "object" { $own.exists("event") } else { false }',
    'root = if $isEvent { $own } else { { "event": content().string() } }',
    ...overriding,
  ].join('\n')
}
