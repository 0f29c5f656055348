/** One case for every documented function and method: an expression and the documents it is measured on. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

type Fields = (n: number) => Readonly<Record<string, unknown>>

export interface FunctionCase {
  readonly name: string
  /** What is assigned, once for each of the calls on a line. */
  readonly expression: string
  /** Statements before the assignments. */
  readonly prefix?: string
  /** The field `v` (and others) of document number `n`. */
  readonly fields?: Fields
  /** Calls on a line where it is not {@link CALLS}. */
  readonly calls?: number
  /** The answers differ from run to run, or between the programs (clock, random, keys of maps in another order). */
  readonly varies?: true
  /** Needs resources that the command has not: measured in this process only. */
  readonly inProcessOnly?: true
}

const WORDS = 'amber basin copper delta ember fjord granite harbor island juniper kelp lagoon meadow nectar'.split(' ')
const word = (n: number) => WORDS[n % WORDS.length]!
const sentence = (n: number) => Array.from({ length: 12 }, (_, at) => word(n * 7 + at * (1 + (n % 5)))).join(' ')
const at = (n: number) => new Date(1_600_000_000_000 + n * 431_017)
const numbers = (n: number) => Array.from({ length: 20 }, (_, index) => (((n + 1) * (index + 3) * 7919) % 1000) + 1)
const words = (n: number) => Array.from({ length: 12 }, (_, index) => `${word(n + index * 5)}${(n * index) % 17}`)
const people = (n: number) =>
  Array.from({ length: 6 }, (_, index) => ({
    name: word(n + index),
    age: (n * 13 + index * 7) % 90,
    id: `${n}-${index}`,
  }))
const record = (n: number) => ({
  name: word(n),
  count: n,
  nested: { a: [1, 2, n], b: { c: sentence(n) } },
  ok: n % 2 === 0,
})

const text = (n: number) => ({ v: `${sentence(n)} Number ${n}` })
const number = (n: number) => ({ v: (n % 97) * 1.37 + 0.5 })
const small = (n: number) => ({ v: n % 100 })
const list = (n: number) => ({ v: numbers(n) })
const strings = (n: number) => ({ v: words(n) })
const objects = (n: number) => ({ v: people(n) })
const object = (n: number) => ({ v: record(n) })
const time = (n: number) => ({ v: at(n).toISOString() })
const seconds = (n: number) => ({ v: at(n).getTime() / 1000 })
const bytes = (n: number) => ({ v: Buffer.from(sentence(n)).toString('base64') })
const html = (n: number) => ({ v: `<p>Read <a href="/x?${n}">${sentence(n)}</a> & <b>more</b></p>` })
const csv = (n: number) => ({
  v: `id,name,city\n${[0, 1, 2, 3].map(i => `${n + i},${word(n + i)},"${word(i)}, ${word(n)}"`).join('\n')}\n`,
})
const xml = (n: number) => ({
  v: `<order id="${n}"><customer>${word(n)}</customer><items><item sku="a${n}">${sentence(n)}</item><item>2</item></items></order>`,
})
const yaml = (n: number) => ({
  v: `name: ${word(n)}\ncount: ${n}\ntags:\n  - ${word(n + 1)}\n  - b\nnested:\n  a: true\n  b: ${n}.5\n`,
})
const link = (n: number) => ({
  v: `https://user:pw@${word(n)}.example.com:8080/a/${word(n + 1)}?x=${n}&y=two%20words#frag`,
})
const address = (ip: string) => () => ({ v: ip })

/** The cases; `geoip` is the folder of MaxMind's test databases, or null. Keys are only made for tokens that are `wanted`. */
export function functionCases(
  folder: string,
  geoip: string | null,
  wanted: (name: string) => boolean,
): readonly FunctionCase[] {
  const c = (
    name: string,
    expression: string,
    fields: Fields = text,
    more: Partial<FunctionCase> = {},
  ): FunctionCase => ({
    name,
    expression,
    fields,
    ...more,
  })
  const v = (name: string, args: string, fields: Fields = text, more: Partial<FunctionCase> = {}) =>
    c(name, `this.v.${name}(${args})`, fields, more)
  const varies = { varies: true } as const
  return [
    c(
      'cosine_similarity',
      'cosine_similarity(this.v.map_each(x -> x.number()), this.w.map_each(x -> x.number()))',
      (n: number) => ({ v: numbers(n), w: numbers(n + 1) }),
    ),
    c('counter', 'counter()'),
    c('deleted', 'deleted()'),
    c('ksuid', 'ksuid()', text, varies),
    c('nanoid', 'nanoid()', text, varies),
    c('pi', 'pi()'),
    c('random_int', 'random_int(min: 1, max: 1000)', text, varies),
    c('range', 'range(0, 30)'),
    c('snowflake_id', 'snowflake_id()', text, { ...varies, calls: 1 }),
    c('throw', 'throw("no").catch("yes")'),
    c('ulid', 'ulid()', text, varies),
    c('uuid_v4', 'uuid_v4()', text, varies),
    c('batch_index', 'batch_index()'),
    c('batch_size', 'batch_size()'),
    c('content', 'content().length()'),
    c('error', 'error()'),
    c('error_source_label', 'error_source_label()'),
    c('error_source_path', 'error_source_path()'),
    c('error_source_type', 'error_source_type()'),
    c('errored', 'errored()'),
    c('flow_id', 'flow_id()', text, { inProcessOnly: true }),
    c('json', 'json("v")'),
    c('metadata', 'metadata("k")', text, { prefix: 'meta k = "value"' }),
    c('tracing_id', 'tracing_id()', text, varies),
    c('tracing_span', 'tracing_span()', text, varies),
    c('cache_add', 'cache_add("c", this.v, "x").catch(null)', text, { inProcessOnly: true }),
    c('cache_delete', 'cache_delete("c", this.v)', text, { inProcessOnly: true }),
    c('cache_get', 'cache_get("c", "k")', text, { inProcessOnly: true }),
    c('cache_set', 'cache_set("c", this.v, "x")', text, { inProcessOnly: true }),
    c('env', 'env("PATH")', text, varies),
    c('file', `file("${folder}/side.json").length()`),
    c('file_rel', 'file_rel("./side.json").length()'),
    c('file_rel_json', 'file_rel_json("./side.json").id'),
    c('hostname', 'hostname()'),
    c('now', 'now()', text, varies),
    c('timestamp_unix', 'timestamp_unix()', text, varies),
    c('timestamp_unix_micro', 'timestamp_unix_micro()', text, varies),
    c('timestamp_unix_milli', 'timestamp_unix_milli()', text, varies),
    c('timestamp_unix_nano', 'timestamp_unix_nano()', text, varies),
    c('fake', 'fake("name")', text, varies),
    c('count', 'count("bench")'),
    c('meta', 'meta("k")', text, { prefix: 'meta k = "value"' }),
    c('root_meta', 'root_meta("k")', text, { prefix: 'meta k = "value"' }),
    c('apply', 'this.v.apply("m")', text, { prefix: 'map m {\n  root.x = this.uppercase()\n}' }),
    c('catch', 'this.v.number().catch("none")'),
    v('exists', '"nested.b.c"', object),
    v('from', '0'),
    v('from_all', ''),
    c('or', 'this.w.or(this.v)'),
    v('capitalize', ''),
    v(
      'compare_argon2',
      '"$argon2id$v=19$m=4096,t=3,p=1$c2FsdHktbWNzYWx0ZmFjZQ$RMUMwgtS32/mbszd+ke4o4Ej1jFpYiUqY6MHWa69X7Y"',
      () => ({ v: 'there-are-many-blobs-in-the-sea' }),
      { calls: 1 },
    ),
    v(
      'compare_bcrypt',
      '"$2y$10$Dtnt5NNzVtMCOZONT705tOcS8It6krJX8bEjnDJnwxiFKsz1C.3Ay"',
      () => ({ v: 'there-are-many-blobs-in-the-sea' }),
      { calls: 1 },
    ),
    v('contains', '"lagoon"'),
    v('escape_html', '', html),
    v('escape_url_query', ''),
    v('filepath_join', '', n => ({ v: ['/var/log', word(n), '../x', 'out.log'] })),
    v('filepath_split', '', n => ({ v: `/var/log/${word(n)}/out-${n}.log` })),
    c(
      'format',
      '"%s has %d items (%05.2f) %q".format(this.name, this.n.number().floor(), this.price.number(), this.name)',
      (n: number) => ({ name: word(n), n, price: n * 0.37 }),
    ),
    v('has_prefix', '"amber"'),
    v('has_suffix', '"7"'),
    v('index_of', '"Number"'),
    v('length', ''),
    v('lowercase', ''),
    v('quote', ''),
    v('repeat', '3'),
    v('replace_all', '"a", "bc"'),
    v('replace_all_many', '["<b>", "&lt;b&gt;", "<i>", "&lt;i&gt;", "e", "E"]'),
    v('reverse', ''),
    v('slice', '2, 12'),
    v('slug', ''),
    v('split', '" "'),
    v('split_by', 'c -> c == " "', (n: number) => ({ v: `${word(n)} ${word(n + 3)} ${n}` })),
    v('strip_html', '', html),
    v('trim', '', (n: number) => ({ v: `   ${sentence(n)}   ` })),
    v('trim_prefix', '"amber"'),
    v('trim_suffix', '"7"'),
    v('unescape_html', '', (n: number) => ({ v: `&lt;b&gt;${sentence(n)}&amp; &eacute; &#39;x&#39;&lt;/b&gt;` })),
    v('unescape_url_query', '', (n: number) => ({ v: encodeURIComponent(sentence(n)) })),
    v('unquote', '', (n: number) => ({ v: JSON.stringify(`${sentence(n)}\n"x"`) })),
    v('uppercase', ''),
    v('re_find_all', '"[a-z]+e[a-z]*"'),
    v('re_find_all_object', '"(?P<first>[a-z]+) (?P<second>[a-z]+)"'),
    v('re_find_all_submatch', '"([a-z]+) ([a-z]+)"'),
    v('re_find_object', '"(?P<first>[a-z]+) (?P<second>[a-z]+)"'),
    v('re_match', '"Number [0-9]+$"'),
    v('re_replace_all', '"([a-z]+)er", "<$1>"'),
    ...['abs', 'ceil', 'cos', 'float32', 'float64', 'floor', 'log', 'log10', 'round', 'sin', 'tan'].map(name =>
      v(name, '', number),
    ),
    ...['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'].map(name => v(name, '', small)),
    v('max', '', list),
    v('min', '', list),
    v('pow', '2', number),
    v('parse_duration', '', n => ({ v: `${n % 50}h${n % 60}m1.5s` })),
    v('parse_duration_iso8601', '', n => ({ v: `P${n % 30}DT${n % 24}H5M1.5S` })),
    v('ts_add_iso8601', '"P1Y2M3DT4H"', time),
    v('ts_format', '"2006-01-02 15:04:05.000 Mon Jan", "Europe/Berlin"', time),
    v('ts_parse', '"2006-01-02T15:04:05Z07:00"', time),
    v('ts_round', '3600000000000', time),
    v('ts_strftime', '"%Y-%b-%d %H:%M:%S.%f", "America/New_York"', time),
    v('ts_strptime', '"%Y-%m-%dT%H:%M:%S.%fZ"', time),
    v('ts_sub', 'this.w.ts_parse("2006-01-02T15:04:05Z07:00")', n => ({
      v: at(n).toISOString(),
      w: at(n + 1).toISOString(),
    })),
    v('ts_sub_iso8601', '"P1Y2M3DT4H"', time),
    v('ts_tz', '"Asia/Tokyo"', time),
    v('ts_unix', '', time),
    v('ts_unix_micro', '', time),
    v('ts_unix_milli', '', time),
    v('ts_unix_nano', '', time),
    v('array', ''),
    v('bool', '', n => ({ v: n % 2 === 0 ? 'true' : 'false' })),
    c('bytes', 'this.v.bytes().length()'),
    v('not_empty', ''),
    v('not_null', ''),
    v('number', '', n => ({ v: `${n}.25` })),
    v('string', '', object),
    v('type', ''),
    v('all', 'x -> x >= 0', list),
    v('any', 'x -> x > 5000', list),
    v('append', '1, "two", this.id', list),
    v('assign', '{"name": "new", "nested": {"b": {"d": 1}}}', object),
    v('collapse', '', object),
    v('concat', 'this.w', n => ({ v: words(n), w: words(n + 1) })),
    v('diff', 'this.w', n => ({ v: record(n), w: record(n + 1) }), varies),
    v('enumerated', '', strings),
    v('explode', '"tags"', n => ({ v: { id: n, name: word(n), tags: words(n).slice(0, 4) } })),
    v('filter', 'x -> x > 300', list),
    v('find', '"none"', strings),
    v('find_all', '"amber0"', strings),
    v('find_all_by', 'x -> x > 300', list),
    v('find_by', 'x -> x > 5000', list),
    v('flatten', '', n => ({ v: [numbers(n), words(n), [[n]], n] })),
    v('fold', '0, item -> item.tally + item.value', list),
    v('get', '"nested.b.c"', object),
    v('index', '-1', list),
    v('join', '", "', strings),
    v('json_path', '"$..name"', n => ({ v: { name: word(n), list: people(n) } }), varies),
    v(
      'json_schema',
      '"""{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":2},"count":{"type":"integer","minimum":0},"nested":{"type":"object","properties":{"a":{"type":"array","items":{"type":"number"}}}}}}"""',
      object,
    ),
    v('key_values', '', object, varies),
    v('keys', '', object),
    v('map_each', 'x -> x * 2', list),
    v('map_each_key', 'k -> k.uppercase()', object),
    v('merge', '{"name": "new", "nested": {"b": {"d": 1}}}', object),
    c('patch', 'this.v.patch(this.w)', (n: number) => ({
      v: { name: word(n), count: n },
      w: [
        { Type: 'update', Path: ['name'], From: word(n), To: 'new' },
        { Type: 'create', Path: ['extra'], From: null, To: n },
      ],
    })),
    v('set', '"nested.b.c", "new"', object),
    v('sort', '', strings),
    v('sort_by', 'x -> x.age', objects),
    v('squash', '', objects),
    v('sum', '', list),
    v('unique', '', strings),
    v('values', '', object, varies),
    v('with', '"name", "nested.a"', object),
    v('without', '"name", "nested.a"', object),
    c('zip', 'this.v.zip(this.w)', (n: number) => ({ v: words(n), w: words(n + 1) })),
    v('bloblang', '"root.x = this.name.uppercase()"', object),
    c('format_json', 'this.v.format_json().string()', object),
    c('format_msgpack', 'this.v.format_msgpack().length()', object, varies),
    c('format_xml', 'this.v.format_xml().string()', (n: number) => ({
      v: { order: { '-id': `${n}`, name: word(n), items: { item: words(n) } } },
    })),
    c('format_yaml', 'this.v.format_yaml().string()', object),
    v('parse_big_decimal', '2', n => ({ v: Buffer.from([1, n % 256, (n * 7) % 256]).toString('base64') }), {
      expression: 'this.v.decode("base64").parse_big_decimal(scale: 2)',
    }),
    v('parse_csv', '', csv),
    v('parse_form_url_encoded', '', n => ({ v: `name=${word(n)}&text=${encodeURIComponent(sentence(n))}&n=${n}&n=2` })),
    v('parse_json', '', n => ({ v: JSON.stringify(record(n)) })),
    c('parse_msgpack', 'this.v.decode("hex").parse_msgpack()', (n: number) => ({
      v: `84a7636f756e746572${(n % 100).toString(16).padStart(2, '0')}a46e616d65a56272616e64a46c69737493020304a3666f6fcb3ff8000000000000`,
    })),
    c('parse_parquet', 'this.v.decode("base64").parse_parquet()', () => ({ v: PARQUET }), { calls: 1 }),
    v('parse_url', '', link),
    v('parse_xml', '', xml),
    v('parse_yaml', '', yaml),
    c('compress', 'this.v.compress("gzip").length()', text, varies),
    c('decode', 'this.v.decode("base64").string()', bytes),
    c('decompress', 'this.v.decode("base64").decompress("gzip").string()', (n: number) => ({
      v: gzipSync(sentence(n)).toString('base64'),
    })),
    c(
      'decrypt_aes',
      'this.v.decode("hex").decrypt_aes("ctr", $key, $iv).string()',
      (n: number) => ({ v: Buffer.from(sentence(n)).toString('hex') }),
      { prefix: AES, varies: true },
    ),
    c('encode', 'this.v.encode("base64")'),
    c('encrypt_aes', 'this.v.encrypt_aes("ctr", $key, $iv).encode("hex")', text, { prefix: AES }),
    c('hash', 'this.v.hash("sha256").encode("hex")'),
    ...(['256', '384', '512'] as const).flatMap(size => webTokens(size, wanted)),
    ...databases(geoip),
    v('format_timestamp', '"2006-01-02", "Europe/Berlin"', time),
    v('format_timestamp_strftime', '"%Y-%m-%d", "Europe/Berlin"', time),
    v('format_timestamp_unix', '', time),
    v('format_timestamp_unix_micro', '', time),
    v('format_timestamp_unix_milli', '', time),
    v('format_timestamp_unix_nano', '', time),
    v('parse_timestamp', '"2006-01-02T15:04:05Z07:00"', time),
    v('parse_timestamp_strptime', '"%Y-%m-%dT%H:%M:%S.%fZ"', time),
    // Ways through the same methods whose cost is another.
    v('number of a number', '', number, { expression: 'this.v.number()' }),
    v('split of bytes', '', text, { expression: 'this.v.bytes().slice(0, 20).string()' }),
    v('ts_format of seconds', '', seconds, { expression: 'this.v.ts_format("2006-01-02T15:04:05Z", "UTC")' }),
    v('ts_format by default', '', time, { expression: 'this.v.ts_format()' }),
    v('sort of numbers', '', list, { expression: 'this.v.sort()' }),
    v('sort by a comparison', '', list, { expression: 'this.v.sort(item -> item.left < item.right)' }),
    v('contains in an array', '', strings, { expression: 'this.v.contains("none")' }),
    v('length of an array', '', list, { expression: 'this.v.length()' }),
    v('map_each of objects', '', objects, { expression: 'this.v.map_each(p -> p.name + " " + p.id)' }),
    v('unique by a query', '', objects, { expression: 'this.v.unique(p -> p.name)' }),
    ...['md5', 'sha1', 'sha512', 'xxhash64', 'crc32', 'fnv32'].map(name =>
      v(`hash ${name}`, '', text, {
        expression:
          name === 'xxhash64' || name === 'fnv32' ? `this.v.hash("${name}")` : `this.v.hash("${name}").encode("hex")`,
      }),
    ),
    v('hash hmac_sha256', '', text, { expression: 'this.v.hash("hmac_sha256", "key").encode("hex")' }),
    ...['base64url', 'hex', 'ascii85', 'z85'].map(name =>
      v(`encode ${name}`, '', (n: number) => ({ v: sentence(n).slice(0, 64).padEnd(64) }), {
        expression: `this.v.encode("${name}")`,
      }),
    ),
    ...['hex'].map(name =>
      v(`decode ${name}`, '', (n: number) => ({ v: Buffer.from(sentence(n)).toString('hex') }), {
        expression: `this.v.decode("${name}").string()`,
      }),
    ),
    ...['zlib', 'flate', 'snappy', 'lz4'].map(name =>
      v(`compress ${name}`, '', text, { expression: `this.v.compress("${name}").length()`, varies: true }),
    ),
    ...(['zlib', 'flate'] as const).map(name =>
      v(
        `decompress ${name}`,
        '',
        (n: number) => ({ v: (name === 'zlib' ? deflateSync : deflateRawSync)(sentence(n)).toString('base64') }),
        { expression: `this.v.decode("base64").decompress("${name}").string()` },
      ),
    ),
    v('number of int64', '', n => ({ v: `${9_007_199_254_740_993n + BigInt(n)}` }), { expression: 'this.v.int64()' }),
    v('re_match with alternatives', '', text, {
      expression: 'this.v.re_match("^(amber|basin|copper).*(kelp|lagoon)")',
    }),
    v('uppercase beyond ASCII', '', n => ({ v: `héllo wörld ñ ${sentence(n)}` }), { expression: 'this.v.uppercase()' }),
    v('slug beyond ASCII', '', n => ({ v: `Héllo & Wörld ${word(n)} ñandú ${n}` }), { expression: 'this.v.slug()' }),
    v('length beyond ASCII', '', n => ({ v: `héllo wörld ñ ${sentence(n)}` }), { expression: 'this.v.length()' }),
    v('slice beyond ASCII', '', n => ({ v: `héllo wörld ñ ${sentence(n)}` }), { expression: 'this.v.slice(0, 20)' }),
    v('has_prefix beyond ASCII', '', n => ({ v: `héllo wörld ñ ${sentence(n)}` }), {
      expression: 'this.v.has_prefix("hé")',
    }),
    v('map_each of fields', '', object, { expression: 'this.v.map_each(f -> f.key)' }),
    v('filter of fields', '', object, { expression: 'this.v.filter(f -> f.key == "name")' }),
    v('merge of both', '', objects, { expression: 'this.v.index(0).merge(this.v.index(1))' }),
    v('enumerated of objects', '', objects, { expression: 'this.v.enumerated()' }),
    v('parse_csv without header', '', csv, { expression: 'this.v.parse_csv(false)' }),
    v('parse_xml with casts', '', xml, { expression: 'this.v.parse_xml(cast: true)' }),
  ]
}

const AES =
  'let key = "2b7e151628aed2a6abf7158809cf4f3c".decode("hex")\nlet iv = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff".decode("hex")'

/** Eight rows of an integer, a text and a float. */
const PARQUET =
  'UEFSMRUGFYABFVoV2dbZ3QpMFRAVABUQFQAVABUAERwYCAgAAAAAAAAAGAgBAAAAAAAAABYAKAgIAAAAAAAAABgIAQAAAAAAAAAAAABABAEA' +
  'CQEAAgkHBAADCQcEAAQJBwQABQkHBAAGCQcEAAcJByAACAAAAAAAAAAVBhW0ARV4FaSd+akLTBUQFQAVEBUMFQAVABEcGAhyZWFkZXIgOBgI' +
  'cmVhZGVyIDEWACgIcmVhZGVyIDgYCHJlYWRlciAxAAAAWjiAAQQIEA8EAAAAiIiICAAdARxyZWFkZXIgMQ0IADINCAAzDQgANA0IADUNCAA2' +
  'DQggN3JlYWRlciA4FQYVgAEVFhW4utzwCkwVEBUAFRAVABUAFQARHBgIAAAAAAAA+D8YCAAAAAAAAPg/FgAoCAAAAAAAAPg/GAgAAAAAAAD4' +
  'PwAAAEAAAAUBBPg/3ggAGRIAGRgIAQAAAAAAAAAZGAgIAAAAAAAAABUAGRYAABkSABkYCHJlYWRlciAxGRgIcmVhZGVyIDgVABkWAAAZEgAZ' +
  'GAgAAAAAAAD4PxkYCAAAAAAAAPg/FQAZFgAAGRwWCBXsARYAAAAZHBb0ARWKAhYAAAAZHBb+AxWoARYAAAAVBBlMSAAVBgAVBBWAARUAGAJp' +
  'ZCUkTKwTQBEAAAAVDCUAGARuYW1lJQBMHAAAABUKFYABFQAYBXNjb3JlABYQGRwZPCYAHBUEGRUAGRgCaWQVAhYQFpICFuwBJgg8NgAoCAgA' +
  'AAAAAAAAGAgBAAAAAAAAAAAZHBUGFQAVAgAAFuAGFRYWpgUVPgAmABwVDBkVDBkYBG5hbWUVAhYQFsYCFooCJvQBPDYAKAhyZWFkZXIgOBgI' +
  'cmVhZGVyIDEAGRwVBhUMFQIAPBaAAQAAFvYGFRgW5AUVPgAmABwVChkVABkYBXNjb3JlFQIWEBaSAhaoASb+Azw2ACgIAAAAAAAA+D8YCAAA' +
  'AAAAAPg/ABkcFQYVABUCAAAWjgcVGBaiBhU+ABbqBhYQGQwWCBaeBRQAABkMGDdnaXRodWIuY29tL3BhcnF1ZXQtZ28vcGFycXVldC1nbyB2' +
  'ZXJzaW9uIDAuMjkuMChidWlsZCApGTwcAAAcAAAcAAAAeAEAAFBBUjE='

function databases(folder: string | null): readonly FunctionCase[] {
  if (folder === null) return []
  const rows: readonly (readonly [string, string, string])[] = [
    ['anonymous_ip', 'GeoIP2-Anonymous-IP-Test', '81.2.69.142'],
    ['asn', 'GeoLite2-ASN-Test', '1.128.0.0'],
    ['city', 'GeoIP2-City-Test', '81.2.69.142'],
    ['connection_type', 'GeoIP2-Connection-Type-Test', '1.0.1.0'],
    ['country', 'GeoIP2-Country-Test', '81.2.69.142'],
    ['domain', 'GeoIP2-Domain-Test', '1.2.0.1'],
    ['enterprise', 'GeoIP2-Enterprise-Test', '74.209.24.0'],
    ['isp', 'GeoIP2-ISP-Test', '1.128.0.0'],
  ]
  return rows.map(([kind, file, ip]) => ({
    name: `geoip_${kind}`,
    expression: `this.v.geoip_${kind}("${folder}/${file}.mmdb")`,
    fields: address(ip),
  }))
}

function webTokens(size: '256' | '384' | '512', wanted: (name: string) => boolean): readonly FunctionCase[] {
  const cases: FunctionCase[] = []
  const isWanted = (kind: string) => wanted(`sign_jwt_${kind}${size}`) || wanted(`parse_jwt_${kind}${size}`)
  const claims = (n: number) => ({ sub: word(n), name: sentence(n), iat: 1_516_239_022 + n })
  const hash = `sha${size}`
  if (isWanted('hs')) {
    const signed = (text: string) => createHmac(hash, 'a-secret').update(text).digest()
    cases.push(...tokenCases(`hs${size}`, 'a-secret', 'a-secret', claims, signed))
  }
  if (isWanted('es')) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: CURVES[size] })
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
    const signed = (text: string) => sign(hash, Buffer.from(text), key)
    cases.push(...tokenCases(`es${size}`, pem(privateKey, 'sec1'), pem(publicKey, 'spki'), claims, signed))
  }
  if (isWanted('rs')) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signed = (text: string) => sign(hash, Buffer.from(text), privateKey)
    cases.push(...tokenCases(`rs${size}`, pem(privateKey, 'pkcs1'), pem(publicKey, 'spki'), claims, signed))
  }
  return cases
}

const CURVES = { 256: 'P-256', 384: 'P-384', 512: 'P-521' } as const

function tokenCases(
  name: string,
  secret: string,
  known: string,
  claims: (n: number) => object,
  signed: (text: string) => Buffer,
): readonly FunctionCase[] {
  const header = Buffer.from(JSON.stringify({ alg: name.toUpperCase(), typ: 'JWT' })).toString('base64url')
  const tokens = [0, 1, 2, 3].map(n => {
    const text = `${header}.${Buffer.from(JSON.stringify(claims(n))).toString('base64url')}`
    return `${text}.${signed(text).toString('base64url')}`
  })
  return [
    {
      name: `sign_jwt_${name}`,
      expression: `this.v.sign_jwt_${name}("""${secret}""")`,
      fields: n => ({ v: claims(n) }),
      varies: true,
      calls: 1,
    },
    {
      name: `parse_jwt_${name}`,
      expression: `this.v.parse_jwt_${name}("""${known}""")`,
      fields: n => ({ v: tokens[n % 4]! }),
      calls: 1,
    },
  ]
}

function pem(key: KeyObject, type: 'sec1' | 'spki' | 'pkcs1'): string {
  return String((key as { export(options: object): unknown }).export({ type, format: 'pem' }))
}
