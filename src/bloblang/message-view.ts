import type { Value } from './value.ts'

/** What a mapping sees of a message. The engine's message implements it; a mapping never changes one. */
export interface MessageView {
  /** The body as bytes, made from the structured form where that is all there is. */
  bytes(): Uint8Array
  /** The body as a value, parsed on first use. Throws `MappingError` where it is no JSON document. */
  structured(): Value
  /**
   * The body as text where it is known as such and not yet as a document, else null. A mapping that needs little of the document
   * reads that itself. Absent where it makes no sense.
   */
  bodyText?(): string | null
  readonly metadata: ReadonlyMap<string, Value>
  /** The error flag that a failed processor left, or null. */
  readonly error: MessageFailure | null
  /** Absent where nothing traces the message. */
  readonly tracing?: MessageTracing
}

export interface MessageTracing {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** Id of the way through the pipeline, given by the input. */
  readonly flowId: string
  /** The span as text fields (`traceparent` …), or null. */
  readonly span: { readonly [key: string]: string } | null
}

export interface MessageFailure {
  readonly message: string
  /** Label, path (`pipeline.processors.0`) and type of the component that failed; null where not known. */
  readonly sourceLabel: string | null
  readonly sourcePath: string | null
  readonly sourceType: string | null
}
