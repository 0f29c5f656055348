import type { Value } from './value.ts'

/** What a mapping sees of a message. The engine's message implements it; a mapping never changes one. */
export interface MessageView {
  /** The body as bytes, made from the structured form where that is all there is. */
  bytes(): Uint8Array
  /** The body as a value, parsed on first use. Throws `MappingError` where it is not a JSON document. */
  structured(): Value
  /**
   * What a mapping needs of the document, which `projector` reads from the bytes; null where the body is not bytes, or where the
   * projector gives up: then it is {@link structured} that tells. Absent where it makes no sense.
   */
  project?(projector: BodyProjector): Value | null
  readonly metadata: ReadonlyMap<string, Value>
  /** The error flag that a failed processor left, or null. */
  readonly error: MessageFailure | null
  /** Absent where nothing traces the message. */
  readonly tracing?: MessageTracing | undefined
}

/** Reads a part of a document. */
export interface BodyProjector {
  /** The document lies in `bytes` from `start` to `end`. `latin1`: all of `bytes` as Latin-1, where that is at hand. */
  project(bytes: Uint8Array, start: number, end: number, latin1: string | null): Value | null
}

/** What a trace knows of a message. */
export interface MessageTracing {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** Id of the way through the pipeline, given by the input. */
  readonly flowId: string
  /** The span as text fields (`traceparent` …), or null. */
  readonly span: { readonly [key: string]: string } | null
}

/** The error that a failed processor left at a message. */
export interface MessageFailure {
  readonly message: string
  /** Label, path (`pipeline.processors.0`) and type of the component that failed; null where not known. */
  readonly sourceLabel: string | null
  readonly sourcePath: string | null
  readonly sourceType: string | null
}
