import { MappingError } from '../errors.ts'
import { EMPTY_BODY } from '../json/parse.ts'
import type { Projector } from '../json/project.ts'
import type { JsonWriter } from '../json/writer.ts'
import type { MessageFailure, MessageView } from '../message-view.ts'
import type { MetadataDraft } from '../metadata-draft.ts'
import type { CallContext } from '../stdlib/spec.ts'
import { NOTHING, type Value, isObject, setOwn } from '../value.ts'
import { goTypeName } from '../text/go-value.ts'
import { describe, failedAssignment, lineOf, type Site, within } from './errors.ts'

/** The state of one mapping call: one message of a batch. A frame is reused for all calls of a mapping. */
export class Frame implements CallContext {
  batch: readonly MessageView[] = []
  index = 0
  /** The index of the message whose document is `this`; unlike `index`, it does not change inside `from`. */
  home = 0
  context: Value | undefined = undefined
  draft: MetadataDraft | null = null
  /** The initial value of `root`. */
  root: Value = NOTHING
  /** Whether parts of `root` are still bytes. */
  isPatched = false
  /** A bare value, or bytes, in place of the message's document. */
  given: Value | undefined = undefined
  /** Whether an error names only the innermost line, as the `blobl` command words it. */
  innermostLine = false
  /** Reads the parts of the document that the mapping needs; null for all of it. */
  projector: Projector | null = null
  /** Where a resulting document may be printed directly. */
  out: JsonWriter | null = null
  readonly variables: ReadonlyMap<string, Value> = NO_VARIABLES
  /** What the projector read of the message at `home`; null if it has not run or gave up. */
  #projected: Value | null = null
  /** Whether that contains parts that are still bytes. */
  #carries = false
  /** The projected documents of other messages of the batch, by index. */
  readonly #others = new Map<number, Value>()
  /** Why the message has no document, and the error thrown for it. */
  #documentError: { readonly cause: string; readonly message: string; readonly field: string } | null = null

  /** Prepares for another message. */
  enter(batch: readonly MessageView[], index: number, draft: MetadataDraft | null): this {
    this.batch = batch
    this.index = index
    this.home = index
    this.draft = draft
    this.root = NOTHING
    this.isPatched = false
    this.given = undefined
    this.innermostLine = false
    this.projector = null
    this.out = null
    this.#projected = null
    this.#carries = false
    if (this.#others.size > 0) this.#others.clear()
    this.#documentError = null
    return this
  }

  /** The document of the message. `field` is the path that the mapping reads, for the error. */
  document(field: string): Value {
    if (this.given !== undefined) return this.given
    if (this.#documentError === null) {
      try {
        return this.#read(messageAt(this.batch, this.home))
      } catch (error) {
        const text = describe(error)
        const cause = text === EMPTY_BODY ? 'message is empty' : `parse as json: ${text}`
        this.#documentError = { cause, message: noContext(field), field }
      }
    } else {
      this.#documentError = { cause: this.#documentError.cause, message: noContext(field), field }
    }
    throw new MappingError(this.#documentError.message)
  }

  messageDocument(): Value {
    const message = messageAt(this.batch, this.index)
    return this.index === this.home ? this.#read(message) : this.#readOther(message)
  }

  /** The document of another message of the batch, for `from` and `from_all`. */
  #readOther(message: MessageView): Value {
    if (this.projector === null || message.project === undefined) return message.structured()
    const known = this.#others.get(this.index)
    if (known !== undefined) return known
    const projected = message.project(this.projector)
    if (projected !== null) this.#others.set(this.index, projected)
    return projected ?? message.structured()
  }

  /** The document of the message at `home`, or the parts that the mapping needs. */
  #read(message: MessageView): Value {
    if (this.projector === null || message.project === undefined) return message.structured()
    if (this.#projected === null) {
      this.#projected = message.project(this.projector)
      this.#carries = this.#projected !== null && this.projector.carries
    }
    return this.#projected ?? message.structured()
  }

  /** Whether the parts read of the document include some that are still bytes. */
  get carries(): boolean {
    return this.#carries
  }

  /** The document, or undefined if there is none. */
  tryDocument(): Value | undefined {
    try {
      return this.document('')
    } catch {
      return undefined
    }
  }

  /** `this` when it is the message's document: null if the message has none. */
  documentOrNull(): Value {
    return this.tryDocument() ?? null
  }

  /** The error of a failed statement, with its line. */
  failed(error: unknown, sites: readonly Site[], at: number): MappingError {
    if (!this.innermostLine) {
      const text = this.explain(describe(within(error, sites, at)))
      return new MappingError(`failed assignment (line ${lineOf(sites, at)}): ${text}`, 'sealed')
    }
    const failure = failedAssignment(error, sites, at)
    const text = this.explain(failure.message)
    return text === failure.message ? failure : new MappingError(text)
  }

  /** The final text of an error; for a missing document it includes the reason. */
  explain(text: string): string {
    const error = this.#documentError
    if (error === null || !text.endsWith(error.message)) return text
    const name = error.field === '' ? 'this' : `this.${error.field}`
    return `unable to reference message as structured (with '${name}'): ${error.cause}`
  }

  /** `@key`. */
  metadata(key: string): Value {
    return this.#draft('metadata cannot be queried in this context').get(key)
  }

  /** `@`. */
  allMetadata(): Value {
    return metadataObject(this.#draft('metadata cannot be queried in this context').current)
  }

  setMetadata(key: string, value: Value): void {
    this.#draft('unable to assign metadata in the current context').set(key, value)
  }

  /** `meta = …`. */
  replaceMetadata(value: Value): void {
    const draft = this.#draft('unable to assign metadata in the current context')
    if (typeof value === 'symbol') draft.replace([])
    else if (isObject(value)) draft.replace(Object.entries(value))
    else throw new MappingError(`setting root meta object requires object value, received: ${goTypeName(value)}`)
  }

  #draft(refusal: string): MetadataDraft {
    if (this.draft === null) throw new MappingError(refusal)
    return this.draft
  }
}

/** A message of a batch; a negative index counts from the end, and one out of range yields an empty message. */
export function messageAt(batch: readonly MessageView[], index: number): MessageView {
  return batch[index < 0 ? index + batch.length : index] ?? EMPTY_MESSAGE
}

/** Converts metadata to an object. */
export function metadataObject(metadata: ReadonlyMap<string, Value>): Value {
  const object: Record<string, Value> = {}
  for (const [key, value] of metadata) setOwn(object, key, value)
  return object
}

function noContext(field: string): string {
  return field === '' ? 'context was undefined' : `context was undefined, unable to reference \`${field}\``
}

const NO_VARIABLES: ReadonlyMap<string, Value> = new Map()

class EmptyMessage implements MessageView {
  readonly metadata: ReadonlyMap<string, Value> = NO_VARIABLES
  readonly error: MessageFailure | null = null

  bytes(): Uint8Array {
    return new Uint8Array(0)
  }

  structured(): Value {
    throw new MappingError(EMPTY_BODY)
  }
}

const EMPTY_MESSAGE: MessageView = new EmptyMessage()
