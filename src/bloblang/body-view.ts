import { parseBody } from './json/parse.ts'
import type { BodyProjector, MessageView } from './message-view.ts'
import { MetadataDraft } from './metadata-draft.ts'
import { utf8Bytes } from './text/bytes.ts'
import type { Value } from './value.ts'

/** A message that is no more than a body, as the `blobl` command makes of each line. One serves body after body. */
export class BodyView implements MessageView {
  /** What mappings set stays for the bodies after it. */
  readonly draft = new MetadataDraft()
  readonly error = null
  #chunk: Uint8Array = EMPTY
  #start = 0
  #end = 0
  #latin1: string | null = null
  #copy: Uint8Array | null = null
  #value: Value | undefined

  /** The bytes `start` to `end` of a chunk, which may change only after the next call. `latin1`: the chunk as Latin-1. */
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

  /** A copy: mappings may keep the bytes, as metadata. */
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
