import { dirname } from 'node:path'
import {
  Float,
  isObject,
  parseBody,
  patchedBody,
  type PatchedDocument,
  parseJson,
  printJson,
  textOfMetadata,
  type Value,
} from '../../bloblang/index.ts'
import type { HttpTransport, Message, Resources } from '../../engine/index.ts'
import { fetchFor } from './fetch.ts'
import { hasSpecialNumbers, withNumbersOf } from './numbers.ts'
import type { ScriptModules } from './script-modules.ts'
import type { ScriptBody, ScriptHost } from './script-vm.ts'

/** The message that a script works on, and the script's requests about it. */
export class Subject implements ScriptHost {
  readonly #resources: Resources
  readonly #modules: ScriptModules
  readonly #fetch: (request: string) => Promise<string>
  #message: Message | undefined
  #metadata: Map<string, Value> | undefined

  constructor(resources: Resources, modules: ScriptModules, transport: HttpTransport) {
    this.#resources = resources
    this.#modules = modules
    this.#fetch = fetchFor(transport, resources.signal)
  }

  begin(message: Message): void {
    this.#message = message
    this.#metadata = undefined
  }

  /** The message as the script left it. */
  result(body: ScriptBody | undefined): Message {
    const message = this.#message!
    const changed = body === undefined ? message : this.#withBody(message, body)
    return this.#metadata === undefined ? changed : changed.withMetadata(this.#metadata)
  }

  #withBody(message: Message, { bytes, isDocument }: ScriptBody): Message {
    return isDocument ? message.withDocument(this.#document(message, bytes)) : message.withBytes(bytes)
  }

  #document(message: Message, printed: Uint8Array): Value | PatchedDocument {
    if (!hasSpecialNumbers(message.bytes())) return patchedBody(printed)
    const document = parseBody(printed)
    try {
      return withNumbersOf(message.structured(), document)
    } catch {
      // The original body was not a document.
      return document
    }
  }

  ask(what: string, first: string, second: string): string | undefined {
    switch (what) {
      // The isolate could not read a body. Throws the original's error, unless it is a document after all.
      case 'body':
        return printJson(this.#message!.structured())
      case 'text':
        return printJson(parseBody(first))
      case 'meta':
        return this.#meta(first)
      case 'set_meta':
        this.#metadata ??= new Map(this.#message!.metadata)
        this.#metadata.set(first, exported(parseJson(second)))
        return undefined
      case 'log':
        this.#log(first, second)
        return undefined
      case 'resolve':
        return this.#modules.resolve(first, second)
      case 'source':
        return this.#modules.source(first)
      case 'folder':
        return dirname(first)
      default:
        throw new Error(`there is no function ${what}`)
    }
  }

  wait(_what: string, first: string): Promise<string> {
    return this.#fetch(first)
  }

  #meta(key: string): string | undefined {
    const metadata = this.#metadata ?? this.#message!.metadata
    return metadata.has(key) ? textOfMetadata(metadata.get(key)!) : undefined
  }

  #log(level: string, line: string): void {
    const { log } = this.#resources
    if (level === 'warn') log.warn(line)
    else if (level === 'error') log.error(line)
    else log.info(line)
  }
}

/** A value with its numbers as computed, rather than with the text they have in a document. */
function exported(value: Value): Value {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : new Float(value)
  if (Array.isArray(value)) return (value as readonly Value[]).map(exported) // arrays within values hold values
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, exported(child)]))
}
