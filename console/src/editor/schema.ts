/** The part of JSON Schema that the engine's specs use. */
export interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly examples?: readonly unknown[]
  readonly deprecated?: boolean
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema | readonly Schema[] | boolean
  readonly prefixItems?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly if?: Schema
  readonly then?: Schema
  readonly else?: Schema
}

/** A step into a document: a key of an object or an index of a list. */
export type Step = string | number

/** The maximum number of schemas considered at a position; only a broken schema exceeds it. */
const maximumSchemas = 4000

/** Every schema that may apply at a position of a document, with references resolved and alternatives flattened. */
export function schemasAt(root: Schema, path: readonly Step[]): readonly Schema[] {
  let here = flatten(root, [root])
  for (const step of path) {
    here = flatten(
      root,
      here.flatMap(schema => childSchemas(schema, step)),
    )
  }
  return here
}

/** The fields that an object may have according to these schemas, with the schema of each. */
export function fieldsOf(root: Schema, schemas: readonly Schema[]): ReadonlyMap<string, Schema> {
  const fields = new Map<string, Schema>()
  for (const schema of schemas) {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (!fields.has(name)) fields.set(name, describe(root, field))
    }
  }
  return fields
}

/** The allowed values at a position, if the schemas list them. */
export function valuesOf(schemas: readonly Schema[]): readonly string[] {
  const values = new Set<string>()
  for (const schema of schemas) {
    for (const value of [...(schema.enum ?? []), schema.const]) {
      if (typeof value === 'string' || typeof value === 'number') values.add(String(value))
    }
    if (schema.type === 'boolean') values.add('true').add('false')
  }
  return [...values]
}

/** A short name for a field's type, e.g. `string`, `list of object`. */
export function kindOf(root: Schema, schema: Schema): string {
  const kinds = new Set<string>()
  for (const one of flatten(root, [schema])) {
    const types = typeof one.type === 'string' ? [one.type] : (one.type ?? [])
    for (const type of types) kinds.add(type === 'array' ? 'list' : type)
    if (types.length === 0 && one.properties !== undefined) kinds.add('object')
  }
  return [...kinds].join(' or ')
}

/** A resolved reference that keeps its own description, if any. */
function describe(root: Schema, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema
  const target = deref(root, schema.$ref)
  return target === undefined ? schema : { ...target, ...schema }
}

function childSchemas(schema: Schema, step: Step): readonly Schema[] {
  if (typeof step === 'number') {
    const listed =
      // An entry of a list of items is a schema.
      schema.prefixItems?.[step] ?? (Array.isArray(schema.items) ? (schema.items[step] as Schema) : undefined)
    if (listed !== undefined) return [listed]
    // One schema for all items.
    return typeof schema.items === 'object' && !Array.isArray(schema.items) ? [schema.items as Schema] : []
  }
  const named = schema.properties?.[step]
  if (named !== undefined) return [named]
  const matching = Object.entries(schema.patternProperties ?? {})
    .filter(([pattern]) => new RegExp(pattern).test(step))
    .map(([, field]) => field)
  if (matching.length > 0) return matching
  return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []
}

function flatten(root: Schema, schemas: readonly Schema[]): readonly Schema[] {
  const seen = new Set<Schema>()
  const queue = [...schemas]
  while (queue.length > 0 && seen.size < maximumSchemas) {
    const schema = queue.shift()
    if (schema === undefined || typeof schema !== 'object' || seen.has(schema)) continue
    seen.add(schema)
    const target = schema.$ref === undefined ? undefined : deref(root, schema.$ref)
    if (target !== undefined) queue.push(target)
    queue.push(...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? []))
    if (schema.then !== undefined) queue.push(schema.then)
    if (schema.else !== undefined) queue.push(schema.else)
  }
  return [...seen]
}

/** The target of a reference such as `#/definitions/input`. */
function deref(root: Schema, reference: string): Schema | undefined {
  if (!reference.startsWith('#')) return undefined
  let here: unknown = root
  for (const part of reference.slice(1).split('/').filter(Boolean)) {
    if (typeof here !== 'object' || here === null) return undefined
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    here = (here as Readonly<Record<string, unknown>>)[name] // an object, as checked above
  }
  return typeof here === 'object' && here !== null ? (here as Schema) : undefined // definitions of a schema are schemas
}
