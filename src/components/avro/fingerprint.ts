type Json = Readonly<Record<string, unknown>>

const ORDER = ['name', 'type', 'fields', 'symbols', 'items', 'values', 'size']
const NAMED = new Set<unknown>(['record', 'enum', 'fixed'])

/** The ten bytes before a value in single-object encoding: a marker and the fingerprint of the schema. */
export function singleObjectHeader(schema: string): Uint8Array {
  const header = new Uint8Array(10)
  header.set([0xc3, 0x01])
  new DataView(header.buffer).setBigUint64(
    2,
    rabin(new TextEncoder().encode(canonical(JSON.parse(schema), '', new Map()))),
    true,
  )
  return header
}

/**
 * The Parsing Canonical Form as computed by the original's library, which appends a nested namespace to the enclosing
 * one.
 */
function canonical(schema: unknown, outer: string, names: Map<string, string>): string {
  if (typeof schema === 'string') return JSON.stringify(names.get(schema) ?? schema)
  if (typeof schema === 'number') return String(schema)
  if (Array.isArray(schema)) return `[${schema.map(each => canonical(each, outer, names)).join(',')}]`
  const object = schema as Json // a validated schema contains nothing else
  const keys = Object.keys(object)
  if (keys.length === 1 && typeof object['type'] === 'string') return JSON.stringify(object['type'])
  let inner = outer
  let namespace = ''
  if (typeof object['namespace'] === 'string') {
    namespace = outer === '' ? object['namespace'] : `${outer}.${object['namespace']}`
    inner = namespace
  } else if (NAMED.has(object['type'])) namespace = outer
  const name = object['name']
  const isShort = typeof name === 'string' && !name.includes('.') && namespace !== ''
  if (isShort) names.set(name, `${namespace}.${name}`)
  const pairs = ORDER.filter(key => Object.hasOwn(object, key)).map(key => {
    const value =
      key === 'name' && isShort ? `${namespace}.${name}` : key === 'size' ? Number(object[key]) : object[key]
    return `${JSON.stringify(key)}:${key === 'name' ? JSON.stringify(value) : canonical(value, inner, names)}`
  })
  return `{${pairs.join(',')}}`
}

const EMPTY = 0xc15d_213a_a4d7_a795n
const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index)
  for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ ((value & 1n) === 1n ? EMPTY : 0n)
  return value
})

function rabin(bytes: Uint8Array): bigint {
  let value = EMPTY
  for (const byte of bytes) value = (value >> 8n) ^ TABLE[Number((value ^ BigInt(byte)) & 255n)]!
  return value
}
