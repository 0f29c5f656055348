import { isObject } from '../../value.ts'
import { MappingError } from '../../errors.ts'
import type { Value } from '../../value.ts'
import { isArray } from '../coerce.ts'

/** 4, 6 or 7; `hybrid` accepts features of all drafts and applies to schemas without a known `$schema`. */
export type Draft = 4 | 6 | 7 | 'hybrid'

const META_SCHEMAS: Readonly<Record<string, Draft>> = {
  'http://json-schema.org/draft-04/schema': 4,
  'http://json-schema.org/draft-06/schema': 6,
  'http://json-schema.org/draft-07/schema': 7,
}

/** Members that hold plain values, and members that hold named schemas, rather than a schema. */
const LITERAL_KEYS = new Set(['const', 'enum'])
const MAP_KEYS = new Set(['properties', 'dependencies', 'patternProperties'])

/** The draft that a schema document declares; null if it declares no known draft. */
export function draftOf(document: Value): Draft | null {
  if (typeof document === 'boolean') return null
  if (!isObject(document)) throw new MappingError('schema is invalid')
  const declared = document['$schema']
  if (declared === undefined) return null
  if (typeof declared !== 'string') throw new MappingError('$schema must be of type string')
  return META_SCHEMAS[declared.replace(/#$/, '')] ?? null
}

/** The possible targets of `$ref`: the document itself and all parts of it that have an id. */
export class ReferencePool {
  readonly #documents = new Map<string, Value>()
  /** The base URI of each object that has an id or is nested inside one that has. */
  readonly #bases = new Map<object, string>()

  constructor(document: Value) {
    this.#collect(document, '')
    this.#documents.set('', document)
  }

  /** The absolute form of a reference in this object. */
  absolute(holder: object, reference: string): string {
    return resolve(this.#bases.get(holder) ?? '', reference)
  }

  /** The part of a document that an absolute reference points to. */
  find(reference: string): Value {
    const known = this.#documents.get(reference)
    if (known !== undefined) return known
    const [base = '', fragment = ''] = reference.split('#', 2)
    const document = this.#documents.get(base)
    if (document !== undefined) return followPointer(document, decodeFragment(fragment))
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(base)) throw new MappingError(`Reference ${reference} must be canonical`)
    throw new MappingError(`reference ${reference} is not part of the schema, and other documents are not loaded`)
  }

  #collect(node: Value, base: string): void {
    if (isArray(node)) {
      for (const element of node) this.#collect(element, base)
      return
    }
    if (!isObject(node)) return
    const id = node['id'] ?? node['$id']
    const ownBase = typeof id === 'string' ? resolve(base, id) : base
    if (typeof id === 'string') {
      if (this.#documents.has(ownBase)) throw new MappingError(`Reference already exists: "${ownBase}"`)
      this.#documents.set(ownBase, node)
    }
    this.#bases.set(node, ownBase)
    for (const [key, child] of Object.entries(node)) {
      if (LITERAL_KEYS.has(key)) continue
      if (!MAP_KEYS.has(key) || !isObject(child)) this.#collect(child, ownBase)
      else for (const named of Object.values(child)) this.#collect(named, ownBase)
    }
  }
}

function resolve(base: string, reference: string): string {
  const document = base.replace(/#.*$/s, '')
  if (reference === '' || reference === '#') return document
  if (reference.startsWith('#')) return document + reference
  if (URL.canParse(reference)) return reference.replace(/#$/, '')
  if (document !== '' && URL.canParse(reference, document)) return new URL(reference, document).href.replace(/#$/, '')
  return reference.startsWith('/') ? reference : `/${reference}`
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch (error) {
    if (error instanceof URIError) return fragment
    throw error
  }
}

function followPointer(document: Value, pointer: string): Value {
  let node = document
  // As in the original, anything that is not a pointer refers to the whole document.
  for (const token of pointer.startsWith('/') ? pointer.slice(1).split('/') : []) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (isObject(node)) {
      if (!Object.hasOwn(node, key)) throw new MappingError(`Object has no key '${key}'`)
      node = node[key]!
    } else if (isArray(node)) {
      if (!/^[+-]?\d+$/.test(token)) throw new MappingError(`Invalid array index '${token}'`)
      const index = Number(token)
      if (index < 0 || index >= node.length) {
        throw new MappingError(`Out of bound array[0,${node.length}] index '${index}'`)
      }
      node = node[index]!
    } else throw new MappingError(`Invalid token reference '${token}'`)
  }
  return node
}
