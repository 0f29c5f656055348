import { camelCase, parseProto } from './parse.ts'
import type { EnumSyntax, Features, FieldSyntax, FileSyntax, MessageSyntax, Place } from './syntax.ts'
import { SchemaError } from './syntax.ts'
import {
  type EnumType,
  type FieldKind,
  type FieldType,
  isScalar,
  type MessageType,
  wireTypeOf,
  DELIMITED,
} from './types.ts'
import { WELL_KNOWN } from './well-known.ts'

/** The types of some files and of everything that they import. */
export interface Schema {
  /** By full name. */
  readonly messages: ReadonlyMap<string, MessageType>
  /** The top-level messages of a file, in order; none if there is no such file. */
  messagesOf(path: string): readonly MessageType[]
}

/** The types of `.proto` files, keyed by the paths under which they import each other. Throws {@link SchemaError}. */
export function schemaOfSources(sources: ReadonlyMap<string, string>): Schema {
  return linked([...sources].map(([path, source]) => parseProto(path, source)))
}

/**
 * The types of parsed files; Google's well-known types that they import need not be included. Throws {@link
 * SchemaError}.
 */
export function linked(files: readonly FileSyntax[]): Schema {
  const linker = new Linker(files)
  for (const file of files) linker.declare(file)
  // An `Any` may hold these, whether a file imports them or not.
  for (const path of Object.keys(WELL_KNOWN)) linker.declareWellKnown(path)
  linker.resolve()
  return linker
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type OpenMessage = Mutable<MessageType> & { readonly fields: FieldType[]; readonly messages: MessageType[] }

interface Pending {
  readonly type: OpenMessage
  readonly syntax: MessageSyntax
  readonly file: FileSyntax
  readonly features: Features
}

class Linker implements Schema {
  readonly messages = new Map<string, MessageType>()
  readonly #enums = new Map<string, EnumType>()
  readonly #files = new Map<string, FileSyntax>()
  readonly #given: ReadonlyMap<string, FileSyntax>
  readonly #tops = new Map<string, readonly MessageType[]>()
  /** Maps full names to the paths of their files. */
  readonly #homes = new Map<string, string>()
  readonly #visible = new Map<string, ReadonlySet<string>>()
  readonly #pending: Pending[] = []

  constructor(files: readonly FileSyntax[]) {
    this.#given = new Map(files.map(file => [file.path, file]))
  }

  messagesOf(path: string): readonly MessageType[] {
    return this.#tops.get(path) ?? []
  }

  declareWellKnown(path: string): void {
    if (this.#files.has(path) || this.#given.has(path)) return
    const file = parseProto(path, WELL_KNOWN[path]!)
    // A copy under another path, as in a folder of vendored files, is equivalent.
    if (file.messages.some(({ name }) => this.#homes.has(`google.protobuf.${name}`))) return
    this.declare(file)
  }

  declare(file: FileSyntax): void {
    if (this.#files.has(file.path)) return
    this.#files.set(file.path, file)
    for (const { path, isWeak, place } of file.imports) {
      const imported = this.#given.get(path)
      if (imported !== undefined) this.declare(imported)
      else if (Object.hasOwn(WELL_KNOWN, path)) this.declareWellKnown(path)
      else if (!isWeak)
        throw new SchemaError(file.path, place, `could not resolve import "${path}": there is no such file`)
    }
    const prefix = file.package === '' ? '' : `${file.package}.`
    this.#tops.set(
      file.path,
      file.messages.map(message => this.#message(message, prefix, file, file.features)),
    )
    for (const each of file.enums) this.#enum(each, prefix, file)
  }

  #message(syntax: MessageSyntax, prefix: string, file: FileSyntax, outer: Features): MessageType {
    const fullName = prefix + syntax.name
    this.#claim(fullName, file, syntax.place)
    const features = { ...outer, ...syntax.features }
    const type: OpenMessage = {
      name: syntax.name,
      fullName,
      fields: [],
      oneofs: syntax.oneofs.map(name => `${fullName}.${name}`),
      messages: [],
      isMapEntry: syntax.isMapEntry,
    }
    this.messages.set(fullName, type)
    type.messages.push(...syntax.messages.map(each => this.#message(each, `${fullName}.`, file, features)))
    for (const each of syntax.enums) this.#enum(each, `${fullName}.`, file)
    this.#pending.push({ type, syntax, file, features })
    return type
  }

  #enum({ name, values }: EnumSyntax, prefix: string, file: FileSyntax): void {
    const fullName = prefix + name
    this.#claim(fullName, file, undefined)
    if (values.length === 0) throw new SchemaError(file.path, undefined, `enum ${fullName} has no values`)
    this.#enums.set(fullName, {
      fullName,
      numbers: new Map(values.map(value => [value.name, value.number])),
      names: new Map(values.toReversed().map(value => [value.number, value.name])),
      first: values[0]!.number,
    })
  }

  #claim(fullName: string, file: FileSyntax, place: Place): void {
    const home = this.#homes.get(fullName)
    if (home !== undefined) {
      throw new SchemaError(file.path, place, `symbol "${fullName}" already defined at ${home}`)
    }
    this.#homes.set(fullName, file.path)
  }

  resolve(): void {
    for (const { type, syntax, file, features } of this.#pending) {
      const numbers = new Map<number, string>()
      const names = new Set<string>()
      for (const each of syntax.fields) {
        const other = numbers.get(each.number)
        if (other !== undefined) {
          const reason = `message ${type.fullName}: fields ${other} and ${each.name} both have the same tag ${each.number}`
          throw new SchemaError(file.path, each.place, reason)
        }
        if (names.has(each.name)) {
          throw new SchemaError(file.path, each.place, `symbol "${type.fullName}.${each.name}" already defined`)
        }
        numbers.set(each.number, each.name)
        names.add(each.name)
        type.fields.push(this.#field(each, type, file, features))
      }
    }
  }

  #field(syntax: FieldSyntax, owner: MessageType, file: FileSyntax, outer: Features): FieldType {
    const features = { ...DEFAULTS[file.edition], ...outer, ...syntax.features }
    const { name, number, label } = syntax
    const isRepeated = label === 'repeated'
    const [kind, message, enumType] = this.#typeOf(syntax, owner, file, features)
    const isMap = isRepeated && message?.isMapEntry === true
    const isOneof = syntax.oneof !== undefined
    const isRequired = label === 'required' || (file.edition === '2023' && features.presence === 'LEGACY_REQUIRED')
    const isMessage = message !== undefined
    const isExplicit = file.edition === 'proto3' ? label === 'optional' : features.presence !== 'IMPLICIT'
    return {
      name,
      fullName: `${owner.fullName}.${name}`,
      jsonName: syntax.jsonName ?? camelCase(name),
      number,
      kind,
      isRepeated,
      isMap,
      isPacked: isRepeated && features.packed === true && !isMessage && wireTypeOf(kind) !== DELIMITED,
      isRequired,
      hasPresence: !isRepeated && (isMessage || isOneof || owner.isMapEntry || isExplicit),
      checksUtf8: kind === 'string' && features.checksUtf8 === true,
      oneof: syntax.oneof ?? -1,
      isAlternative: isOneof || (file.edition === 'proto3' && label === 'optional' && !owner.isMapEntry),
      message,
      enum: enumType,
    }
  }

  #typeOf(
    syntax: FieldSyntax,
    owner: MessageType,
    file: FileSyntax,
    features: Features,
  ): readonly [FieldKind, MessageType | undefined, EnumType | undefined] {
    if (isScalar(syntax.type)) return [syntax.type, undefined, undefined]
    for (const name of candidates(syntax.type, owner.fullName)) {
      const home = this.#homes.get(name)
      if (home === undefined || !this.#sees(file.path, home)) continue
      const message = this.messages.get(name)
      if (message !== undefined) {
        const isGroup = syntax.isGroup || (features.delimited === true && !message.isMapEntry && !owner.isMapEntry)
        return [isGroup ? 'group' : 'message', message, undefined]
      }
      return ['enum', undefined, this.#enums.get(name)]
    }
    const [hidden] = candidates(syntax.type, owner.fullName).filter(name => this.#homes.has(name))
    const hint = hidden === undefined ? '' : `; ${hidden} is in "${this.#homes.get(hidden)}", which is not imported`
    throw new SchemaError(
      file.path,
      syntax.place,
      `field ${owner.fullName}.${syntax.name}: unknown type ${syntax.type}${hint}`,
    )
  }

  #sees(path: string, home: string): boolean {
    let visible = this.#visible.get(path)
    if (visible === undefined) {
      visible = new Set([
        path,
        ...this.#files.get(path)!.imports.flatMap(each => [...this.#exports(each.path, new Set())]),
      ])
      this.#visible.set(path, visible)
    }
    return visible.has(home)
  }

  /** A file and what it imports publicly. */
  #exports(path: string, seen: Set<string>): ReadonlySet<string> {
    if (seen.has(path)) return seen
    seen.add(path)
    for (const each of this.#files.get(path)?.imports ?? []) if (each.isPublic) this.#exports(each.path, seen)
    return seen
  }
}

const DEFAULTS: Readonly<Record<FileSyntax['edition'], Features>> = {
  proto2: { packed: false, checksUtf8: false },
  proto3: { packed: true, checksUtf8: true },
  '2023': { packed: true, checksUtf8: true, presence: 'EXPLICIT' },
}

/** The possible meanings of a name, from the innermost scope outwards. */
function candidates(name: string, scope: string): readonly string[] {
  if (name.startsWith('.')) return [name.slice(1)]
  const found: string[] = []
  for (let at = scope; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) found.push(`${at}.${name}`)
  return [...found, name]
}
