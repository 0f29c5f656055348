import type { Value } from './value.ts'

/** A mapping's view of a message. The engine's message implements it; mappings never modify it. */
export interface MessageView {
  /** The body as bytes, encoded first if only the structured form exists. */
  bytes(): Uint8Array
  /** The body as a value, parsed on first use. Throws `MappingError` if it is not a JSON document. */
  structured(): Value
  /**
   * The parts of the document that a mapping needs, which `projector` reads from the bytes. Null if the body is not
   * bytes or the projector gives up; {@link structured} is authoritative then. Absent if projection is not supported.
   */
  project?(projector: BodyProjector): Value | null
  readonly metadata: ReadonlyMap<string, Value>
  /** The error flag that a failed processor left, or null. */
  readonly error: MessageFailure | null
  /** Absent if tracing is off. */
  readonly tracing?: MessageTracing | undefined
}

/** Reads parts of a document. */
export interface BodyProjector {
  /**
   * Reads the document in `bytes` from `start` to `end`. `latin1` is all of `bytes` as Latin-1, if already available.
   */
  project(bytes: Uint8Array, start: number, end: number, latin1: string | null): Value | null
}

/** The trace information of a message. */
export interface MessageTracing {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** Id of the message's flow through the pipeline, assigned by the input. */
  readonly flowId: string
  /** The span as text fields (`traceparent` …), or null. */
  readonly span: { readonly [key: string]: string } | null
}

/** The error that a failed processor attached to a message. */
export interface MessageFailure {
  readonly message: string
  /** Label, path (`pipeline.processors.0`) and type of the component that failed; null if unknown. */
  readonly sourceLabel: string | null
  readonly sourcePath: string | null
  readonly sourceType: string | null
}
