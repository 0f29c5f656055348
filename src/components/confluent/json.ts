import { Buffer } from 'node:buffer'
import { messageOf } from '../../base/index.ts'
import { parseJson } from '../../bloblang/index.ts'
import type { ComponentHost } from '../../engine/index.ts'
import { expression, quoted } from '../pure/expression.ts'
import type { Convert } from './avro.ts'
import type { RegisteredSchema, Registry } from './registry.ts'

/** Creates a function that validates documents against a JSON schema and returns them unchanged. */
export async function jsonChecker(schema: RegisteredSchema, registry: Registry, host: ComponentHost): Promise<Convert> {
  const references = await registry.referencesOf(schema)
  const check = expression(`this.json_schema(${quoted(withReferences(schema.schema, references))})`, host)
  return bytes => {
    const document = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
    try {
      check(document)
    } catch (error) {
      throw new Error(`json message does not conform to schema: ${messageOf(error)}`, { cause: error })
    }
    return bytes
  }
}

/** A schema that embeds the schemas it refers to, each under the name used by the reference unless it has an id. */
function withReferences(schema: string, references: ReadonlyMap<string, string>): string {
  if (references.size === 0) return schema
  const root = JSON.parse(schema) as Readonly<Record<string, unknown>> // a schema with references is an object
  const parts = [...references].map(([name, text]) => {
    // A JSON Schema is an object or a boolean.
    const part = JSON.parse(text) as Readonly<Record<string, unknown>> | boolean
    const named = typeof part === 'boolean' || part['$id'] !== undefined || part['id'] !== undefined
    return [`registry:${name}`, named ? part : { $id: name, ...part }] as const
  })
  const own = typeof root['definitions'] === 'object' ? root['definitions'] : {}
  return JSON.stringify({ ...root, definitions: { ...own, ...Object.fromEntries(parts) } })
}
