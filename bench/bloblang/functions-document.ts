import { MetadataDraft, type MessageView, parseBody, utf8Bytes, type Value } from '../../src/bloblang/index.ts'

/** One line as the command sees it: text, parsed only where a mapping asks for it. */
export class Document implements MessageView {
  readonly draft = new MetadataDraft()
  readonly error = null
  #text = ''
  #value: Value | undefined

  setText(text: string): void {
    this.#text = text
    this.#value = undefined
  }

  get metadata(): ReadonlyMap<string, Value> {
    return this.draft.current
  }

  bytes(): Uint8Array {
    return utf8Bytes(this.#text)
  }

  bodyText(): string | null {
    return this.#value === undefined ? this.#text : null
  }

  structured(): Value {
    return (this.#value ??= parseBody(this.#text))
  }
}
