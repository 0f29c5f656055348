import { parseBody } from '../../src/bloblang/json/parse.ts'
import { printJson } from '../../src/bloblang/json/print.ts'
import type { MessageFailure, MessageTracing, MessageView } from '../../src/bloblang/message-view.ts'
import { isObject } from '../../src/bloblang/value.ts'
import type { Value, ValueObject } from '../../src/bloblang/value.ts'
import { typed } from './values.ts'

/** A message of a case. */
export class CaseMessage implements MessageView {
  readonly #body: Uint8Array
  readonly metadata: ReadonlyMap<string, Value>
  readonly error: MessageView['error']
  readonly tracing?: MessageTracing

  constructor(
    body: Uint8Array,
    metadata: ReadonlyMap<string, Value> = new Map(),
    error: MessageView['error'] = null,
    tracing?: MessageTracing,
  ) {
    this.#body = body
    this.metadata = metadata
    this.error = error
    if (tracing !== undefined) this.tracing = tracing
  }

  bytes(): Uint8Array {
    return this.#body
  }

  structured(): Value {
    return parseBody(this.#body)
  }
}

/** The messages of a case: a text, or `{content | structured, meta, error}`. */
export function messagesOf(list: Value | undefined): readonly MessageView[] {
  if (!Array.isArray(list)) return []
  // A vector's fields are values.
  return (list as readonly Value[]).map(entry => {
    if (!isObject(entry)) return new CaseMessage(Buffer.from(String(entry)))
    const meta = Object.entries(fields(entry['meta'])).map(([key, value]) => [key, typed(value)] as const)
    return new CaseMessage(bodyOf(entry), new Map(meta), failureOf(entry['error']))
  })
}

function bodyOf(entry: ValueObject): Uint8Array {
  const { structured, content } = entry
  if (structured !== undefined) return Buffer.from(printJson(structured))
  if (isObject(content ?? null)) return Buffer.from(String(fields(content)['$bytes']))
  return Buffer.from(String(content ?? ''))
}

function failureOf(error: Value | undefined): MessageFailure | null {
  if (typeof error === 'string') return { message: error, sourceLabel: null, sourcePath: null, sourceType: null }
  if (!isObject(error ?? null)) return null
  const { what, label, path, type } = fields(error)
  const text = (value: Value | undefined) => (typeof value === 'string' ? value : null)
  return { message: String(what), sourceLabel: text(label), sourcePath: text(path), sourceType: text(type) }
}

function fields(value: Value | undefined): Record<string, Value> {
  return isObject(value ?? null) ? (value as Record<string, Value>) : {} // a vector's fields are values
}
