import { parseBody } from './json/parse.ts'
import type { BodyProjector, MessageView } from './message-view.ts'
import { MetadataDraft } from './metadata-draft.ts'
import { utf8Bytes } from './text/bytes.ts'
import type { Value } from './value.ts'

/** A message that is only a body, such as a line that the `blobl` command reads. Reused for all bodies. */
export class BodyView implements MessageView {
  /** Metadata set by a mapping remains for the following bodies. */
  readonly draft = new MetadataDraft()
  readonly error = null
  #chunk: Uint8Array = EMPTY
  #start = 0
  #end = 0
  #latin1: string | null = null
  #copy: Uint8Array | null = null
  #value: Value | undefined

  /** Uses the bytes `start` to `end` of a chunk, unchanged until the next call. `latin1`: all of it as Latin-1. */
  set(chunk: Uint8Array, start = 0, end = chunk.length, latin1: string | null = null): this {
    this.#chunk = chunk
    this.#start = start
    this.#end = end
    this.#latin1 = latin1
    this.#copy = null
    this.#value = undefined
    return this
  }

  setText(text: string): this {
    return this.set(utf8Bytes(text))
  }

  get metadata(): ReadonlyMap<string, Value> {
    return this.draft.current
  }

  /** A copy, because mappings may keep the bytes, for example as metadata. */
  bytes(): Uint8Array {
    return (this.#copy ??= Uint8Array.prototype.slice.call(this.#chunk, this.#start, this.#end))
  }

  project(projector: BodyProjector): Value | null {
    return this.#value === undefined ? projector.project(this.#chunk, this.#start, this.#end, this.#latin1) : null
  }

  structured(): Value {
    return (this.#value ??= parseBody(this.#chunk.subarray(this.#start, this.#end)))
  }
}

const EMPTY = new Uint8Array(0)
