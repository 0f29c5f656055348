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
  utf8Bytes,
  type Value,
} from '../../bloblang/index.ts'
import type { HttpTransport, Message, Resources } from '../../engine/index.ts'
import { fetchFor } from './fetch.ts'
import { hasSpecialNumbers, withNumbersOf } from './numbers.ts'
import { packed, unpacked } from './packed-text.ts'
import type { ScriptModules } from './script-modules.ts'
import type { ScriptHost } from './script-vm.ts'

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
  result(outcome: Uint8Array | null): Message {
    let message = this.#message!
    if (outcome !== null) message = this.#withBody(message, outcome)
    return this.#metadata === undefined ? message : message.withMetadata(this.#metadata)
  }

  #withBody(message: Message, outcome: Uint8Array): Message {
    const body = outcome.subarray(1)
    switch (String.fromCharCode(outcome[0]!)) {
      case 's':
        return message.withBytes(body)
      case 'q':
        // The letter says that it is a text.
        return message.withBytes(utf8Bytes(JSON.parse(Buffer.from(body).toString('utf8')) as string))
      default:
        return message.withDocument(this.#document(message, body))
    }
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
      case 'document':
        return this.#fault(first, second)
      case 'meta':
        return this.#meta(unpacked(first))
      case 'set_meta':
        this.#metadata ??= new Map(this.#message!.metadata)
        this.#metadata.set(unpacked(first), exported(parseJson(unpacked(second))))
        return undefined
      case 'log':
        this.#log(unpacked(first), unpacked(second))
        return undefined
      case 'resolve': {
        const path = this.#modules.resolve(unpacked(first), unpacked(second))
        return path === undefined ? undefined : packed(path)
      }
      case 'source':
        return packed(this.#modules.source(unpacked(first)))
      case 'folder':
        return packed(dirname(unpacked(first)))
      default:
        throw new Error(`there is no function ${what}`)
    }
  }

  wait(_what: string, first: string): Promise<string> {
    return this.#fetch(unpacked(first))
  }

  /** Throws the original's error for a body that is not a document; if it turns out to be one, returns the document. */
  #fault(text: string, kind: string): string {
    const value = kind === 'vtext' ? parseBody(unpacked(text)) : this.#message!.structured()
    return packed(printJson(value))
  }

  #meta(key: string): string | undefined {
    const metadata = this.#metadata ?? this.#message!.metadata
    return metadata.has(key) ? packed(textOfMetadata(metadata.get(key)!)) : undefined
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
