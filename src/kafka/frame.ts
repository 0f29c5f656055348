import type { Api } from './api.ts'
import { ProtocolError, Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** The header of every request. */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** Null if the client sends none. */
  readonly clientId: string | null
}

type AnyApi = Pick<Api<unknown, never, unknown, never>, 'key' | 'flexibleFrom'>

const apiVersionsKey = 18

/**
 * Reads a request's header from a frame without its length. Tagged fields of the header are left for `startBody`,
 * because whether there are any depends on the API.
 */
export function readRequestHeader(reader: Reader): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  // The client id keeps its two-byte length even in flexible headers.
  const clientId = reader.nullableString()
  return { apiKey, apiVersion, correlationId, clientId }
}

/** Advances from the header to the body of a request of this API and version. */
export function startBody(reader: Reader, api: AnyApi, version: number): void {
  reader.flexible = version >= api.flexibleFrom
  reader.skipTags()
}

/** Encodes a whole request frame, length first, as buffers for one `writev`. */
export function requestFrame<RequestInput>(
  api: Pick<Api<unknown, RequestInput, unknown, never>, 'key' | 'flexibleFrom' | 'encodeRequest'>,
  header: Omit<RequestHeader, 'apiKey'>,
  request: RequestInput,
): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  writer.nullableString(header.clientId)
  writer.flexible = header.apiVersion >= api.flexibleFrom
  if (writer.flexible) writer.uvarint(0)
  api.encodeRequest(writer, header.apiVersion, request)
  return withLength(writer)
}

/**
 * Encodes a whole response frame, length first, as buffers for one `writev`;
 * record slices are included without copying.
 */
export function responseFrame<ResponseInput>(
  api: Pick<Api<unknown, never, unknown, ResponseInput>, 'key' | 'flexibleFrom' | 'encodeResponse'>,
  version: number,
  correlationId: number,
  response: ResponseInput,
): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  writer.flexible = version >= api.flexibleFrom
  // A client that does not know our version of ApiVersions must still read the
  // response, so its header never has tags (KIP-511).
  if (writer.flexible && api.key !== apiVersionsKey) writer.uvarint(0)
  api.encodeResponse(writer, version, response)
  return withLength(writer)
}

/** Reads a response, starting with the correlation id. */
export function readResponse<Response>(
  api: Pick<Api<unknown, never, Response, never>, 'key' | 'name' | 'flexibleFrom' | 'decodeResponse'>,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly response: Response } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  reader.flexible = version >= api.flexibleFrom
  if (api.key !== apiVersionsKey) reader.skipTags()
  const response = api.decodeResponse(reader, version)
  if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes left over after ${api.name} v${version}`)
  return { correlationId, response }
}

function withLength(writer: Writer): Buffer[] {
  const size = writer.size - 4
  const buffers = writer.finish()
  buffers[0]!.writeInt32BE(size)
  return buffers
}
