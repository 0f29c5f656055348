import { type Node, parseYaml, plainValue } from '../../engine/index.ts'

/**
 * Whether a pipeline may share a thread with others (ADR 0012).
 *
 * - `alone`: its own thread from the start.
 * - `together`: with others; it can be moved to its own thread at any time, because it keeps nothing in memory.
 * - `together_in_place`: with others, but a move would reset its counts.
 */
export type Sharing = 'alone' | 'together' | 'together_in_place'

/** Larger configurations are not small pipelines. */
const maxTextLength = 32_768
/** A larger number in a configuration is a buffer, a batch or a limit that is not small. */
const maxNumber = 20_000_000
/** The number of calls of methods that run a query for each element: nested ones take quadratic time. */
const maxQueriesInMapping = 1

const topLevel = new Set(['input', 'pipeline', 'output', 'logger', 'shutdown_timeout'])
const inputs = new Set(['generate', 'kafka_franz', 'kafka_franz_warpstream'])
const outputs = new Set(['kafka_franz', 'kafka_franz_warpstream', 'drop', 'http_client'])
const processors = new Set(['bloblang', 'http', 'log', 'mapping', 'mutation', 'noop'])

/** Functions and methods whose time and result are proportional to their input, by name. */
const proportionate = new Set(
  `if match else
  batch_index batch_size content counter deleted error error_source_label error_source_name error_source_path
  error_source_type errored flow_id hostname json ksuid meta metadata nanoid nothing now pi random_int root_meta
  snowflake_id throw timestamp_unix timestamp_unix_micro timestamp_unix_milli timestamp_unix_nano tracing_id ulid uuid_v4
  abs append array bool bytes capitalize catch ceil concat contains cos decode encode enumerated escape_html
  escape_url_query exists filepath_join filepath_split find flatten float32 float64 floor format_json format_timestamp
  format_timestamp_strftime format_timestamp_unix format_timestamp_unix_micro format_timestamp_unix_milli
  format_timestamp_unix_nano get has_prefix has_suffix hash index index_of int16 int32 int64 int8 join key_values keys
  length log log10 lowercase max merge min not not_empty not_null number or parse_csv parse_duration
  parse_duration_iso8601 parse_form_url_encoded parse_json parse_timestamp parse_timestamp_strptime parse_url quote
  re_find_all re_find_object re_match reverse round sin slice sort split string sum tan trim trim_prefix trim_suffix
  ts_add_iso8601 ts_format ts_parse ts_round ts_strftime ts_strptime ts_sub ts_sub_iso8601 ts_tz ts_unix ts_unix_micro
  ts_unix_milli ts_unix_nano type uint16 uint32 uint64 uint8 unescape_html unescape_url_query unquote uppercase values
  with without`.split(/\s+/),
)

/** Methods that run a query for each element. */
const perElement = new Set(['all', 'any', 'filter', 'find_by', 'map_each', 'map_each_key', 'sort_by', 'unique'])

/**
 * Decides from the configuration's text. The result is `alone` unless everything in it is known to do a small, bounded
 * amount of work for each message and to hold little memory; anything unrecognised costs memory, never a neighbour's
 * time.
 */
export function sharingOf(streamText: string): Sharing {
  if (streamText.length > maxTextLength) return 'alone'
  // Variables and YAML references can expand to more than the text shows.
  if (/\$\{[^!]/.test(streamText) || /(?:^|[\s[{,:-])[&*][\w-]+/m.test(streamText)) return 'alone'
  const config = read(streamText)
  if (!isRecord(config) || !Object.keys(config).every(key => topLevel.has(key))) return 'alone'
  if (!isSmallStream(config) || !everyScalar(config, isSmall)) return 'alone'
  return /\bcounter\s*\(/.test(streamText) || Number(generator(config)?.['count'] ?? 0) > 0
    ? 'together_in_place'
    : 'together'
}

function read(text: string): unknown {
  let node: Node
  try {
    node = parseYaml(text)
  } catch {
    return undefined // the thread that runs it reports the error
  }
  return plainValue(node)
}

function isSmallStream(config: Readonly<Record<string, unknown>>): boolean {
  const { input, pipeline, output } = config
  if (!isComponent(input, inputs) || !isComponent(output, outputs)) return false
  const generate = generator(config)
  if (generate !== undefined && !isSlow(generate)) return false
  if (pipeline === undefined || pipeline === null) return true
  if (!isRecord(pipeline)) return false
  const { processors: list, threads = -1, ...others } = pipeline
  // With several threads, a lot of work is expected.
  return Object.keys(others).length === 0 && Number(threads) < 2 && areSmall(list)
}

function generator(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
  const { input } = config
  if (!isRecord(input) || !isRecord(input['generate'])) return undefined
  return input['generate']
}

/** At most a hundred messages per second, by an interval in the text. */
function isSlow({ interval = '1s', batch_size: size = 1 }: Readonly<Record<string, unknown>>): boolean {
  const match = /^(?:@every )?(\d+)(ms|s|m|h)$/.exec(String(interval))
  if (match === null || !(Number(size) <= 100)) return false
  // The pattern allows only these units.
  const intervalMs = Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h']
  return intervalMs >= 10 * Number(size)
}

/** Whether it is an object whose only component is one of those known and which has only small processors. */
function isComponent(value: unknown, known: ReadonlySet<string>): boolean {
  if (!isRecord(value)) return false
  const names = Object.keys(value).filter(key => key !== 'label' && key !== 'processors')
  if (names.length !== 1 || !known.has(names[0]!) || !areSmall(value['processors'])) return false
  const fields = value[names[0]!]
  // Processors that create batches may create large ones.
  const batching = isRecord(fields) ? fields['batching'] : undefined
  return !isRecord(batching) || (batching['processors'] === undefined && batching['check'] === undefined)
}

function areSmall(list: unknown): boolean {
  if (list === undefined || list === null) return true
  return Array.isArray(list) && list.every(item => isComponent(item, processors))
}

function isSmall(value: unknown): boolean {
  if (typeof value === 'string') return isProportionate(value)
  return !(typeof value === 'number' || typeof value === 'bigint') || value <= maxNumber
}

/**
 * Whether a text, if it is or contains a mapping, calls only known functions. A text that merely looks like a mapping
 * may be rejected, too.
 */
function isProportionate(text: string): boolean {
  if (/\b(?:from|import)\s+["']/.test(text)) return false
  const called = [...text.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map(match => match[1]!)
  const queries = called.filter(name => perElement.has(name)).length
  return queries <= maxQueriesInMapping && called.every(name => proportionate.has(name) || perElement.has(name))
}

function everyScalar(value: unknown, isRight: (value: unknown) => boolean): boolean {
  if (Array.isArray(value)) return value.every(item => everyScalar(item, isRight))
  if (isRecord(value)) return Object.values(value).every(item => everyScalar(item, isRight))
  return isRight(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
