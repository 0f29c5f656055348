import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * One Kafka API in code. The `Input` types are those of messages to be written, whose defaults may be omitted. The
 * reader or writer must already know whether the version is flexible; `frame.ts` sets that.
 */
export interface Api<Request, RequestInput, Response, ResponseInput> {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** The first version with compact lengths and tagged fields; Infinity if there is none. */
  readonly flexibleFrom: number
  decodeRequest(this: void, reader: Reader, version: number): Request
  encodeRequest(this: void, writer: Writer, version: number, request: RequestInput): void
  decodeResponse(this: void, reader: Reader, version: number): Response
  encodeResponse(this: void, writer: Writer, version: number, response: ResponseInput): void
}
