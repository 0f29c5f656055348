// From each schema literal of src/kafka/schemas: the types of its messages, and straight-line code that reads and
// writes them.
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Field, PrimitiveType, Schema, VersionRange } from '../../src/kafka/schema.ts'
import type { GeneratedFile } from '../generate.ts'

const latest = 32767

interface Range {
  readonly from: number
  readonly to: number
}

/** The input of code generation: one API's schema with its structs found and named. */
interface Model {
  readonly schema: Schema
  readonly range: Range
  /** By the name in the schema. */
  readonly structs: Map<string, Struct>
}

interface Struct {
  readonly typeName: string
  readonly fields: readonly Field[]
  /** Whether a writer may omit something, here or below, so that a separate type for writing is needed. */
  hasInput: boolean
}

export default async function generate(): Promise<readonly GeneratedFile[]> {
  const files: GeneratedFile[] = []
  const names: { readonly name: string; readonly stem: string; readonly types: readonly string[] }[] = []
  for (const path of globSync('src/kafka/schemas/*.ts').toSorted()) {
    // Every file of the folder exports a schema.
    const { default: schema } = (await import(pathToFileURL(join(process.cwd(), path)).href)) as { default: Schema }
    const model = modelOf(schema)
    const stem = basename(path, '.ts')
    files.push({ path: `src/kafka/messages/${stem}.gen.ts`, text: messageFile(stem, model) })
    names.push({ name: schema.name, stem, types: typeNames(model) })
  }
  files.push({ path: 'src/kafka/messages/index.gen.ts', text: indexFile(names) })
  files.push({ path: 'src/broker/handlers/index.gen.ts', text: handlersFile() })
  return files
}

/** Every handler, in the order of the API keys. */
function handlersFile(): string {
  const stems = globSync('src/broker/handlers/[0-9]*.ts')
    .map(path => basename(path, '.ts'))
    .filter(stem => !stem.endsWith('.test'))
    .toSorted()
  const local = (stem: string) => stem.slice(3).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const imports = stems.map(stem => `import ${local(stem)} from './${stem}.ts'`)
  return `${banner('src/broker/handlers')}import type { AnyHandler } from '../handler.ts'\n${imports.join('\n')}\n\nexport const handlers: readonly AnyHandler[] = [\n${stems.map(stem => `  ${local(stem)},\n`).join('')}]\n`
}

function modelOf(schema: Schema): Model {
  const range = rangeOf(schema.versions)
  const structs = new Map<string, Struct>()
  const collect = (fields: readonly Field[]): void => {
    for (const field of fields) {
      const name = structName(field)
      if (name === undefined || field.fields === undefined) continue
      collect(field.fields)
      if (structs.has(name)) throw new Error(`${schema.name}: struct ${name} is declared twice`)
      const typeName = name.startsWith(schema.name) ? name : schema.name + name
      structs.set(name, { typeName, fields: field.fields, hasInput: false })
    }
  }
  for (const side of ['Request', 'Response'] as const) {
    const fields = side === 'Request' ? schema.request : schema.response
    collect(fields)
    structs.set(side, { typeName: schema.name + side, fields, hasInput: false })
  }
  const model: Model = { schema, range, structs }
  // Inner structs come before outer ones, so one pass is enough.
  for (const struct of structs.values()) {
    struct.hasInput = struct.fields.some(
      field => mayBeLeftOut(model, field) || field.type === 'records' || structOf(model, field)?.hasInput,
    )
  }
  return model
}

function messageFile(stem: string, model: Model): string {
  const { schema } = model
  const flexibleFrom = schema.flexible === 'none' ? 'Infinity' : String(rangeOf(schema.flexible).from)
  const body = [...model.structs.values()].flatMap(struct => [
    interfaceText(model, struct, 'decoded'),
    ...(struct.hasInput ? [interfaceText(model, struct, 'input')] : []),
    decoderText(model, struct),
    encoderText(model, struct),
  ])
  const [request, response] = [model.structs.get('Request')!, model.structs.get('Response')!]
  const api = [
    `/** ${schema.name}, versions ${schema.versions}. */`,
    `export const ${schema.name}: Api<${[request.typeName, inputName(request), response.typeName, inputName(response)].join(', ')}> = {`,
    `  key: ${schema.key},`,
    `  name: '${schema.name}',`,
    `  minVersion: ${model.range.from},`,
    `  maxVersion: ${model.range.to},`,
    `  flexibleFrom: ${flexibleFrom},`,
    `  decodeRequest: decode${request.typeName},`,
    `  encodeRequest: encode${request.typeName},`,
    `  decodeResponse: decode${response.typeName},`,
    `  encodeResponse: encode${response.typeName},`,
    '}',
  ].join('\n')
  const text = [...body, api].join('\n\n')
  return `${banner(`src/kafka/schemas/${stem}.ts`)}${importsFor(text)}\n${text}\n`
}

function indexFile(
  messages: readonly { readonly name: string; readonly stem: string; readonly types: readonly string[] }[],
): string {
  const imports = messages.map(({ name, stem }) => `import { ${name} } from './${stem}.gen.ts'`)
  const exports = messages.map(
    ({ types, stem }) => `export type {\n${types.map(t => `  ${t},\n`).join('')}} from './${stem}.gen.ts'`,
  )
  const table = ['export const apis = {', ...messages.map(({ name }) => `  ${name},`), '} as const']
  return `${banner('src/kafka/schemas')}${imports.join('\n')}\n\n${exports.join('\n')}\n\n/** Every API that we can read and write, by name. */\n${table.join('\n')}\n`
}

function banner(source: string): string {
  return `// Generated by tools/generators/kafka.ts from ${source}. Do not edit: run \`npm run generate\`.\n`
}

function importsFor(text: string): string {
  const used = (names: readonly string[]) => names.filter(name => new RegExp(`\\b${name}\\b`).test(text))
  const reader = used(['readInt8', 'readInt32', 'readInt64', 'readString', 'readUuid', 'zeroUuid'])
  const readerTypes = used(['Reader', 'Uuid']).map(name => `type ${name}`)
  const writer = used(['writeInt8', 'writeInt32', 'writeInt64', 'writeString', 'writeUuid'])
  const writerTypes = used(['Slices', 'Writer']).map(name => `type ${name}`)
  const line = (values: readonly string[], types: readonly string[], from: string) =>
    values.length > 0
      ? `import { ${[...values, ...types].join(', ')} } from '${from}'\n`
      : `import type { ${types.map(type => type.slice('type '.length)).join(', ')} } from '${from}'\n`
  return `import type { Api } from '../api.ts'\n${line(reader, readerTypes, '../reader.ts')}${line(writer, writerTypes, '../writer.ts')}`
}

function interfaceText(model: Model, struct: Struct, form: 'decoded' | 'input'): string {
  const lines = struct.fields.flatMap(field => {
    const optional = form === 'input' && mayBeLeftOut(model, field) ? '?' : ''
    const notes = [
      field.versions && rangeOf(field.versions).from > model.range.from && `v${field.versions}`,
      field.about,
    ]
    const doc = notes.filter(Boolean).join('. ')
    return [
      ...(doc ? [`  /** ${doc.replace(/([^.])$/, '$1.')} */`] : []),
      `  readonly ${field.name}${optional}: ${typeOf(model, field, form)}`,
    ]
  })
  const name = form === 'input' ? inputName(struct) : struct.typeName
  return `export interface ${name} {\n${lines.join('\n')}\n}`
}

function decoderText(model: Model, struct: Struct): string {
  const plain = struct.fields.filter(field => field.tag === undefined)
  const tagged = struct.fields.filter(field => field.tag !== undefined)
  const lines = plain.map(field => {
    const condition = versionCondition(model, field.versions)
    const read = readNullable(model, field)
    return condition === ''
      ? `  const ${field.name} = ${read}`
      : `  const ${field.name} = ${condition} ? ${read} : ${defaultOf(model, field)}`
  })
  if (tagged.length === 0) {
    if (model.schema.flexible !== 'none') lines.push('  r.skipTags()')
  } else {
    for (const field of tagged) {
      lines.push(`  let ${field.name}: ${typeOf(model, field, 'decoded')} = ${defaultOf(model, field)}`)
    }
    lines.push(
      '  for (let left = r.tagCount(); left > 0; left--) {',
      '    const tag = r.uvarint()',
      '    const end = r.tagEnd()',
    )
    tagged.forEach((field, i) => {
      const condition = versionCondition(model, field.versions)
      const test = condition === '' ? `tag === ${field.tag}` : `tag === ${field.tag} && ${condition}`
      lines.push(`    ${i > 0 ? 'else ' : ''}if (${test}) ${field.name} = ${readNullable(model, field)}`)
    })
    lines.push('    r.position = end', '  }')
  }
  const names = struct.fields.map(field => field.name).join(', ')
  const version = lines.some(line => /\bv\b/.test(line)) ? 'v' : '_v'
  return `function decode${struct.typeName}(r: Reader, ${version}: number): ${struct.typeName} {\n${lines.join('\n')}\n  return { ${names} }\n}`
}

function encoderText(model: Model, struct: Struct): string {
  const lines: string[] = []
  for (const field of struct.fields.filter(candidate => candidate.tag === undefined)) {
    const condition = versionCondition(model, field.versions)
    lines.push(`  ${condition === '' ? '' : `if (${condition}) `}${writeNullable(model, field)}`)
  }
  const tagged = struct.fields.filter(field => field.tag !== undefined).toSorted((a, b) => a.tag! - b.tag!)
  if (model.schema.flexible !== 'none') {
    lines.push('  if (w.flexible) {')
    if (tagged.length === 0) lines.push('    w.uvarint(0)')
    for (const field of tagged) {
      lines.push(`    const ${field.name} = value.${field.name} ?? ${defaultOf(model, field)}`)
      const condition = versionCondition(model, field.versions)
      const differs = isArray(field) ? `${field.name}.length > 0` : `${field.name} !== ${defaultOf(model, field)}`
      lines.push(`    const has${capital(field.name)} = ${condition === '' ? '' : `${condition} && `}${differs}`)
    }
    if (tagged.length > 0) {
      lines.push(`    w.uvarint(${tagged.map(field => `Number(has${capital(field.name)})`).join(' + ')})`)
    }
    for (const field of tagged) {
      lines.push(
        `    if (has${capital(field.name)}) w.tagged(${field.tag}, v, ${field.name}, ${taggedEncoder(model, field)})`,
      )
    }
    lines.push('  }')
  }
  const version = lines.some(line => /\bv\b/.test(line)) ? 'v' : '_v'
  return `function encode${struct.typeName}(w: Writer, ${version}: number, value: ${inputName(struct)}): void {\n${lines.join('\n')}\n}`
}

function taggedEncoder(model: Model, field: Field): string {
  const struct = structOf(model, field)
  if (struct && !isArray(field)) return `encode${struct.typeName}`
  return `(w, v, value) => ${writeExpression(model, field, 'value', field.nullable !== undefined)}`
}

/** The expression that reads a field, with null allowed if the schema allows it. */
function readNullable(model: Model, field: Field): string {
  if (field.nullable === undefined) return readExpression(model, field, false)
  const condition = versionCondition(model, field.nullable, field.versions)
  const nullable = readExpression(model, field, true)
  return condition === '' ? nullable : `(${condition} ? ${nullable} : ${readExpression(model, field, false)})`
}

function readExpression(model: Model, field: Field, nullable: boolean): string {
  const struct = structOf(model, field)
  if (isArray(field)) {
    const item = struct ? `decode${struct.typeName}` : `read${capital(elementType(field))}`
    return `r.${nullable ? 'nullableArray' : 'array'}(v, ${item})`
  }
  if (struct) return nullable ? `r.nullableStruct(v, decode${struct.typeName})` : `decode${struct.typeName}(r, v)`
  const method = field.type === 'records' ? 'bytes' : field.type
  return nullable ? `r.nullable${capital(method)}()` : `r.${method}()`
}

function writeNullable(model: Model, field: Field): string {
  const value = mayBeLeftOut(model, field) ? `value.${field.name} ?? ${defaultOf(model, field)}` : `value.${field.name}`
  return writeExpression(model, field, value, field.nullable !== undefined)
}

function writeExpression(model: Model, field: Field, value: string, nullable: boolean): string {
  const struct = structOf(model, field)
  if (isArray(field)) {
    const item = struct ? `encode${struct.typeName}` : `write${capital(elementType(field))}`
    return `w.${nullable ? 'nullableArray' : 'array'}(v, ${value}, ${item})`
  }
  if (struct) {
    return nullable
      ? `w.nullableStruct(v, ${value}, encode${struct.typeName})`
      : `encode${struct.typeName}(w, v, ${value})`
  }
  if (field.type === 'records') return `w.records(${value})`
  return nullable ? `w.nullable${capital(field.type)}(${value})` : `w.${field.type}(${value})`
}

/**
 * Whether a writer may omit the field: it has a default, such as a null, a tag or an error code, or is not in every
 * version.
 */
function mayBeLeftOut(model: Model, field: Field): boolean {
  if (structOf(model, field) && !isArray(field) && field.nullable === undefined && field.tag === undefined) return false
  return (
    field.nullable !== undefined ||
    field.tag !== undefined ||
    field.default !== undefined ||
    field.name === 'errorCode' ||
    field.name === 'throttleTimeMs' ||
    versionCondition(model, field.versions) !== ''
  )
}

function defaultOf(model: Model, field: Field): string {
  if (typeof field.default === 'string') return `'${field.default}'`
  if (field.default !== undefined) return String(field.default)
  if (isArray(field)) return field.nullable === undefined ? '[]' : 'null'
  if (field.nullable !== undefined || structOf(model, field)) return 'null'
  return zero[field.type as PrimitiveType] // structures were handled above
}

const zero: Record<PrimitiveType, string> = {
  bool: 'false',
  int8: '0',
  int16: '0',
  int32: '0',
  int64: '0',
  uint16: '0',
  float64: '0',
  string: `''`,
  uuid: 'zeroUuid',
  bytes: 'Buffer.alloc(0)',
  records: 'null',
}

function typeOf(model: Model, field: Field, form: 'decoded' | 'input'): string {
  const struct = structOf(model, field)
  const element = struct
    ? form === 'input'
      ? inputName(struct)
      : struct.typeName
    : primitiveType(elementType(field) as PrimitiveType, form) // structures were handled above
  const type = isArray(field) ? `readonly ${element}[]` : element
  const taggedStruct = struct !== undefined && !isArray(field) && field.tag !== undefined
  return field.nullable !== undefined || taggedStruct ? `${type} | null` : type
}

function primitiveType(type: PrimitiveType, form: 'decoded' | 'input'): string {
  switch (type) {
    case 'bool':
      return 'boolean'
    case 'string':
      return 'string'
    case 'uuid':
      return 'Uuid'
    case 'bytes':
      return 'Buffer'
    case 'records':
      return form === 'input' ? 'Slices' : 'Buffer'
    default:
      return 'number'
  }
}

/** A JavaScript condition for the versions of `text`; empty if they cover the whole outer range. */
function versionCondition(model: Model, text: VersionRange | undefined, within?: VersionRange): string {
  if (text === undefined) return ''
  const { from, to } = rangeOf(text)
  const outer = within === undefined ? model.range : intersect(rangeOf(within), model.range)
  const conditions: string[] = []
  if (from > outer.from) conditions.push(`v >= ${from}`)
  if (to < outer.to) conditions.push(`v <= ${to}`)
  return conditions.join(' && ')
}

function intersect(a: Range, b: Range): Range {
  return { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) }
}

function rangeOf(text: string): Range {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (!match) throw new Error(`bad version range ${text}`)
  const from = Number(match[1])
  return { from, to: match[2] ? latest : match[3] === undefined ? from : Number(match[3]) }
}

function isArray(field: Field): boolean {
  return field.type.startsWith('[]')
}

function elementType(field: Field): string {
  return isArray(field) ? field.type.slice(2) : field.type
}

function structName(field: Field): string | undefined {
  const name = elementType(field)
  return /^[A-Z]/.test(name) ? name : undefined
}

function structOf(model: Model, field: Field): Struct | undefined {
  const name = structName(field)
  return name === undefined ? undefined : model.structs.get(name)
}

function inputName(struct: Struct): string {
  return struct.hasInput ? `${struct.typeName}Input` : struct.typeName
}

function typeNames(model: Model): string[] {
  return [...model.structs.values()].flatMap(struct =>
    struct.hasInput ? [struct.typeName, inputName(struct)] : [struct.typeName],
  )
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
