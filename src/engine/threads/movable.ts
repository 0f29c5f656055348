import { type Node, resolved, valueOf } from '../config/node.ts'

/** Processors whose work depends only on the batch, so that several copies are equivalent to one. */
const processors = new Set([
  'archive',
  'avro',
  'awk',
  'bloblang',
  'bounds_check',
  'branch',
  'catch',
  'compress',
  'decompress',
  'for_each',
  'grok',
  'group_by',
  'group_by_value',
  'insert_part',
  'javascript',
  'jmespath',
  'jq',
  'json_schema',
  'log',
  'mapping',
  'metric',
  'msgpack',
  'mutation',
  'noop',
  'parquet_decode',
  'parquet_encode',
  'parse_log',
  'processors',
  'protobuf',
  'select_parts',
  'split',
  'switch',
  'try',
  'unarchive',
  'wasm',
  'while',
  'xml',
])

/** Fields of processors that contain a list of further processors. */
const nested = new Set(['processors', 'then', 'for_each', 'try', 'catch'])

/** Functions that count over all messages, or use what only the stream's thread has. */
const bound = /\b(?:counter|count|cache_\w+|tracing_\w+)\s*\(/

/**
 * Whether the processors of a configuration may run in several threads, which would split counters and shared state.
 */
export function isMovable(config: Node): boolean {
  const pipeline = valueOf(config, 'pipeline')
  const list = pipeline === undefined ? undefined : valueOf(pipeline, 'processors')
  return list !== undefined && !hasBoundFunction(list) && areMovable(list)
}

function areMovable(list: Node): boolean {
  return resolved(list).items.every(item => {
    const { entries } = resolved(item)
    const named = entries.filter(({ key }) => key.value !== 'label')
    const [only] = named
    return only !== undefined && named.length === 1 && processors.has(only.key.value) && hasMovableFields(only)
  })
}

/** Checks every list of processors in a field, at any depth. */
function hasMovableFields({ key, value }: { readonly key: Node; readonly value: Node }): boolean {
  const node = resolved(value)
  if (node.kind === 'seq' && nested.has(key.value)) return areMovable(node)
  return (
    node.entries.every(hasMovableFields) &&
    node.items.every(item => resolved(item).entries.every(entry => hasMovableFields(entry)))
  )
}

function hasBoundFunction(written: Node): boolean {
  const node = resolved(written)
  if (node.kind === 'scalar') return bound.test(node.value)
  return node.items.some(hasBoundFunction) || node.entries.some(({ value }) => hasBoundFunction(value))
}
