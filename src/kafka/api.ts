import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * One Kafka API in code. The `Input` types are what a writer gives: defaults may be left out.
 * The reader or writer must have been told whether the version is flexible; `frame.ts` does.
 */
export interface Api<Request, RequestInput, Response, ResponseInput> {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** The first version with compact lengths and tagged fields; Infinity when there is none. */
  readonly flexibleFrom: number
  decodeRequest(this: void, reader: Reader, version: number): Request
  encodeRequest(this: void, writer: Writer, version: number, request: RequestInput): void
  decodeResponse(this: void, reader: Reader, version: number): Response
  encodeResponse(this: void, writer: Writer, version: number, response: ResponseInput): void
}
