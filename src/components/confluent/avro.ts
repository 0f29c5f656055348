import { fieldsOf } from '../../base/index.ts'
import { parseJson } from '../../bloblang/index.ts'
import { AvroError, Cursor } from '../avro/cursor.ts'
import { printer } from '../avro/print.ts'
import { parseAvroSchema } from '../avro/schema.ts'
import { writer } from '../avro/write.ts'
import { Output } from '../protobuf/output.ts'
import type { RegisteredSchema, Registry } from './registry.ts'

/** Converts the bytes after the schema id, including any framing specific to the schema type. */
export type Convert = (bytes: Uint8Array) => Uint8Array

export interface AvroOptions {
  readonly avro_raw_json: boolean
  readonly avro_nested_schemas: boolean
}

/** Creates a decoder from Avro to JSON text. */
export async function avroDecoder(
  schema: RegisteredSchema,
  registry: Registry,
  options: AvroOptions,
): Promise<Convert> {
  const print = printer(parseAvroSchema(await resolved(schema, registry, options)), options.avro_raw_json)
  const cursor = new Cursor()
  const output = new Output()
  return bytes => {
    output.length = 0
    cursor.use(bytes)
    print(cursor, output, 0)
    return output.take()
  }
}

/** Creates an encoder from JSON text to Avro. */
export async function avroEncoder(
  schema: RegisteredSchema,
  registry: Registry,
  options: AvroOptions,
): Promise<Convert> {
  const type = parseAvroSchema(await resolved(schema, registry, options))
  const write = writer(type, { isTextual: true, isPlain: options.avro_raw_json, isStrict: true })
  const output = new Output()
  return bytes => {
    output.length = 0
    write(parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')), output, 0)
    return output.take()
  }
}

/** A schema with its references inlined. */
async function resolved(schema: RegisteredSchema, registry: Registry, options: AvroOptions): Promise<string> {
  if (schema.references.length === 0) return schema.schema
  const references = await registry.referencesOf(schema)
  const root: unknown = JSON.parse(schema.schema)
  if (options.avro_nested_schemas) return JSON.stringify(new Nesting(references).schema(root, ''))
  if (!Array.isArray(root)) {
    throw new AvroError('failed to parse root schema as enum: it is not a list of references; see avro_nested_schemas')
  }
  return JSON.stringify(
    root.map((name: unknown) => {
      const definition = references.get(String(name))
      if (definition === undefined) throw new AvroError(`referenced type '${String(name)}' was not found in references`)
      const parsed: unknown = JSON.parse(definition)
      return parsed
    }),
  )
}

const MAX_NESTING = 100

/** Inlines a referenced definition where its name first occurs; later occurrences keep the name. */
class Nesting {
  readonly #definitions = new Map<string, unknown>()
  readonly #used = new Set<string>()

  constructor(references: ReadonlyMap<string, string>) {
    for (const [name, text] of references) {
      const definition: unknown = JSON.parse(text)
      this.#definitions.set(name, definition)
      this.#definitions.set(fullName(definition, '') ?? name, definition)
    }
  }

  schema(schema: unknown, namespace: string, depth = 0): unknown {
    if (depth > MAX_NESTING) {
      throw new AvroError(
        'maximum iteration limit reached trying to resolve Avro references: possible circular dependency detected',
      )
    }
    if (typeof schema === 'string') return this.#named(schema, namespace, depth)
    if (Array.isArray(schema)) return schema.map(each => this.schema(each, namespace, depth + 1))
    if (typeof schema !== 'object' || schema === null) return schema
    const object = fieldsOf(schema)
    const own = fullName(object, namespace)
    if (own !== undefined) this.#used.add(own)
    const inner = own === undefined ? namespace : own.slice(0, Math.max(0, own.lastIndexOf('.')))
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => {
        if (key === 'type' || key === 'items' || key === 'values') return [key, this.schema(value, inner, depth + 1)]
        if (key === 'fields' && Array.isArray(value))
          return [key, value.map(each => this.schema(each, inner, depth + 1))]
        return [key, value]
      }),
    )
  }

  #named(name: string, namespace: string, depth: number): unknown {
    for (const full of [name, `${namespace}.${name}`]) {
      const definition = this.#definitions.get(full)
      if (definition === undefined) continue
      const own = fullName(definition, '') ?? full
      return this.#used.has(own) ? own : this.schema(definition, '', depth + 1)
    }
    return name
  }
}

/** The full name of a record, enum or fixed. */
function fullName(schema: unknown, enclosing: string): string | undefined {
  const { type, name, namespace = enclosing } = fieldsOf(schema)
  if (typeof name !== 'string' || !['record', 'error', 'enum', 'fixed'].includes(String(type))) return undefined
  return name.includes('.') || namespace === '' ? name : `${String(namespace)}.${name}`
}
