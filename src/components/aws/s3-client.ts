import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import {
  type HttpResponse,
  HttpTransport,
  isHttpConnectionError,
  pause,
  type Resources,
  type WholeHttpRequest,
  type WholeHttpResponse,
} from '../../engine/index.ts'
import { elements, elementText, encodeAws, sha256, Signer } from '../../storage/index.ts'
import type { AwsSession } from './session.ts'

/** S3 rejected a request. */
export class S3Error extends Error {
  readonly status: number
  /** The S3 error code, such as `NoSuchKey` or `AccessDenied`; empty if there was none. */
  readonly code: string

  constructor(operation: string, status: number, code: string, reason: string) {
    const said = [code, reason].filter(Boolean).join(': ') || `HTTP status ${status}`
    super(`${operation}: ${said}`)
    this.name = 'S3Error'
    this.status = status
    this.code = code
  }

  /** Whether the object does not exist; a response to HEAD carries no code. */
  get isMissing(): boolean {
    return this.code === 'NoSuchKey' || (this.code === '' && this.status === 404)
  }
}

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof S3Error) return error.status >= 500 || error.status === 429 || transient.has(error.code)
  return isHttpConnectionError(error) || (error instanceof Error && isHttpConnectionError(error.cause))
}

export type Checksum = 'CRC32' | 'CRC32C' | 'SHA1' | 'SHA256'

/** An object being read: its headers, and its body, which must be read to the end or destroyed. */
export interface S3Object {
  readonly headers: HttpResponse['headers']
  readonly body: Readable
}

/** An object in the listing of a bucket. */
export interface ListedObject {
  readonly key: string
  /** Not a number if the server does not report it. */
  readonly sizeBytes: number
}

interface S3Call {
  /** For error messages: `PutObject`. */
  readonly operation: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD' | 'DELETE'
  readonly bucket: string
  /** Absent for the bucket itself. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
  /** As for {@link HttpTransport.exchange}. */
  readonly maxBytes?: number
}

/** Above this size an object is sent in parts, so that a failure repeats only one of them. */
const MULTIPART_BYTES = 64 * 1024 * 1024
const PART_BYTES = 16 * 1024 * 1024
const PARTS_AT_A_TIME = 5

const ATTEMPTS = 3
const FIRST_PAUSE_MS = 100
/** Time limit for the response headers. */
const ANSWER_TIMEOUT_MS = 60_000

const EMPTY_HASH = sha256('')
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** Error codes after which the same request may succeed, in addition to every status from 500 on. */
const transient: ReadonlySet<string> = new Set(['SlowDown', 'RequestTimeout', 'InternalError', 'ServiceUnavailable'])

/**
 * An S3 client for the connectors. Requests are signed here (a put takes a fifth of the processor time of the AWS SDK,
 * see docs/adr/0016) with the session's credentials. Requests that may succeed when retried are tried three times.
 * Against a server that only acknowledges, the `aws_s3` output takes 5.0 s of processor time for 30,000 objects of 100
 * bytes, the original 9.3 s.
 */
export class S3Client {
  readonly #session: AwsSession
  readonly #resources: Resources
  readonly #transport: HttpTransport
  readonly #pathStyle: boolean
  #server: Promise<Server> | undefined

  constructor(session: AwsSession, { pathStyle }: { readonly pathStyle: boolean }, resources: Resources) {
    const { network } = resources.host
    this.#session = session
    this.#resources = resources
    this.#pathStyle = pathStyle
    this.#transport = new HttpTransport({ environment: network.proxyVariables, sockets: network })
  }

  /** Rejects if there is no region or there are no credentials. */
  async prepare(): Promise<void> {
    await this.#serverOf()
    await this.#session.credentials()
  }

  /** Stores an object with its headers, in parts if it is large. */
  async put(
    bucket: string,
    key: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    { checksum, signal }: { readonly checksum?: Checksum | undefined; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    if (body.length > MULTIPART_BYTES) return this.#putParts(bucket, key, body, headers, checksum, signal)
    await this.#text({
      operation: 'PutObject',
      method: 'PUT',
      bucket,
      key,
      headers: { ...headers, ...(await checksumHeader(checksum, body)) },
      body,
      signal,
    })
  }

  /** Opens an object. Throws an {@link S3Error} with `isMissing` if it does not exist. */
  get(bucket: string, key: string, signal?: AbortSignal): Promise<S3Object> {
    return this.#open({ operation: 'GetObject', method: 'GET', bucket, key, signal })
  }

  /**
   * The rest of a previously opened object, from `position` on; null if nothing remains. Throws if the object was
   * replaced meanwhile.
   */
  async resume(
    bucket: string,
    key: string,
    {
      object,
      position,
      signal,
    }: { readonly object: S3Object; readonly position: number; readonly signal: AbortSignal },
  ): Promise<Readable | null> {
    const { 'content-length': length, etag } = object.headers
    if (position === Number(length)) return null
    const headers = { range: `bytes=${position}-`, ...(typeof etag === 'string' && { 'if-match': etag }) }
    return (await this.#open({ operation: 'GetObject', method: 'GET', bucket, key, headers, signal })).body
  }

  /** Reads a whole object. Throws as {@link get} does, and with the code `too_large` above `maxBytes`. */
  read(bucket: string, key: string, maxBytes: number, signal?: AbortSignal): Promise<WholeHttpResponse> {
    return this.#exchange({ operation: 'GetObject', method: 'GET', bucket, key, maxBytes, signal })
  }

  /** The headers of an object, undefined if it does not exist. */
  async head(bucket: string, key: string): Promise<S3Object['headers'] | undefined> {
    try {
      return (await this.#exchange({ operation: 'HeadObject', method: 'HEAD', bucket, key })).headers
    } catch (error) {
      if (error instanceof S3Error && error.isMissing) return undefined
      throw error
    }
  }

  async delete(bucket: string, key: string): Promise<void> {
    await this.#text({ operation: 'DeleteObject', method: 'DELETE', bucket, key })
  }

  /** Up to `limit` objects with keys after `after`, in order. */
  async list(
    bucket: string,
    { prefix, after, limit }: { readonly prefix: string; readonly after: string; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<readonly ListedObject[]> {
    const query = {
      'encoding-type': 'url',
      'list-type': '2',
      'max-keys': String(limit),
      ...(prefix !== '' && { prefix }),
      ...(after !== '' && { 'start-after': after }),
    }
    const text = await this.#text({ operation: 'ListObjectsV2', method: 'GET', bucket, query, signal })
    return elements(text, 'Contents').map(content => ({
      key: decodeURIComponent((elementText(content, 'Key') ?? '').replaceAll('+', '%20')),
      sizeBytes: Number(elementText(content, 'Size') ?? Number.NaN),
    }))
  }

  /** Starts a multipart upload and returns its id. */
  async createUpload(
    bucket: string,
    key: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<string> {
    const operation = 'CreateMultipartUpload'
    const text = await this.#text({ operation, method: 'POST', bucket, key, query: { uploads: '' }, headers, signal })
    const id = elementText(text, 'UploadId')
    if (!id) throw new Error(`${operation}: the answer names no upload`)
    return id
  }

  /** Sends a part, numbered from 1; returns the tag needed to complete the upload. */
  async uploadPart(
    upload: { readonly bucket: string; readonly key: string; readonly id: string },
    number: number,
    body: Uint8Array,
    { checksum, signal }: { readonly checksum?: Checksum | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    const { bucket, key, id } = upload
    const operation = 'UploadPart'
    const { headers } = await this.#exchange({
      operation,
      method: 'PUT',
      bucket,
      key,
      query: { partNumber: String(number), uploadId: id },
      headers: await checksumHeader(checksum, body),
      body,
      signal,
    })
    const tag = headers['etag']
    if (typeof tag !== 'string') throw new Error(`${operation}: the answer has no ETag`)
    return `<ETag>${tag.replaceAll('"', '&quot;')}</ETag>${await checksumElement(checksum, body)}`
  }

  /** Completes an object from the values that {@link uploadPart} returned for each of its parts. */
  async completeUpload(
    { bucket, key, id }: { readonly bucket: string; readonly key: string; readonly id: string },
    parts: readonly string[],
    signal?: AbortSignal,
  ): Promise<void> {
    const operation = 'CompleteMultipartUpload'
    const list = parts.map((part, index) => `<Part>${part}<PartNumber>${index + 1}</PartNumber></Part>`).join('')
    const body = Buffer.from(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</CompleteMultipartUpload>`,
    )
    const query = { uploadId: id }
    const text = await this.#text({ operation, method: 'POST', bucket, key, query, body, signal })
    // S3 sends the status before it knows whether the operation succeeds.
    if (/<Error[ >]/.test(text)) throw errorOf(operation, 200, text)
  }

  async abortUpload(upload: { readonly bucket: string; readonly key: string; readonly id: string }): Promise<void> {
    const { bucket, key, id } = upload
    await this.#text({ operation: 'AbortMultipartUpload', method: 'DELETE', bucket, key, query: { uploadId: id } })
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #putParts(
    bucket: string,
    key: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    checksum: Checksum | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const algorithm: Record<string, string> = checksum === undefined ? {} : { 'x-amz-checksum-algorithm': checksum }
    const id = await this.createUpload(bucket, key, { ...headers, ...algorithm }, signal)
    const upload = { bucket, key, id }
    try {
      const count = Math.ceil(body.length / PART_BYTES)
      const parts = Array<string>(count)
      let next = 0
      const send = async () => {
        for (let index = next++; index < count; index = next++) {
          const part = body.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)
          parts[index] = await this.uploadPart(upload, index + 1, part, { checksum, signal })
        }
      }
      const stopAll = (error: unknown) => {
        next = count
        throw error
      }
      const outcomes = await Promise.allSettled(Array.from({ length: PARTS_AT_A_TIME }, () => send().catch(stopAll)))
      const failed = outcomes.find(({ status }) => status === 'rejected')
      if (failed !== undefined) throw (failed as PromiseRejectedResult).reason // narrowed by its status
      await this.completeUpload(upload, parts, signal)
    } catch (error) {
      await this.abortUpload(upload).catch((cause: unknown) =>
        this.#resources.log.warn(`Failed to abort the upload of '${key}': ${String(cause)}`),
      )
      throw error
    }
  }

  async #text(call: S3Call): Promise<string> {
    return (await this.#exchange(call)).body.toString('utf8')
  }

  /** Sends a request with a small response, and reads it. */
  #exchange(call: S3Call): Promise<WholeHttpResponse> {
    return this.#attempted(call, async () => {
      const response = await this.#transport.exchange(...(await this.#signed(call)))
      if (response.statusCode >= 300) throw errorOf(call.operation, response.statusCode, response.body.toString('utf8'))
      return response
    })
  }

  async #open(call: S3Call): Promise<S3Object> {
    return this.#attempted(call, async () => {
      const response = await this.#transport.request(...(await this.#signed(call)))
      if (response.statusCode < 300) return response
      throw errorOf(call.operation, response.statusCode, (await readAll(response.body)).toString('utf8'))
    })
  }

  async #attempted<T>(call: S3Call, send: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send()
      } catch (error) {
        const failure = this.#retriable(call, error)
        if (attempt === ATTEMPTS) throw failure
      }
      const { host } = this.#resources
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + host.random() / 2), call.signal)
    }
  }

  /** Returns the error if another attempt may succeed, and throws it otherwise. */
  #retriable({ operation, signal }: S3Call, error: unknown): Error {
    if (error instanceof S3Error) {
      const isExpired = error.code === 'ExpiredToken' || error.code === 'ExpiredTokenException'
      if (isExpired) this.#session.forgetCredentials()
      if (!isExpired && !isTransient(error)) throw error
      return error
    }
    if (!isHttpConnectionError(error) || signal?.aborted === true) throw error
    return new Error(`${operation}: ${textOf(error)}`, { cause: error })
  }

  async #signed(call: S3Call): Promise<[string, WholeHttpRequest]> {
    const { method, bucket, key, query = {}, headers = {}, body, signal, maxBytes } = call
    const { base, signer, isPlain } = await this.#serverOf()
    const inPath = this.#pathStyle || isIP(base.hostname.replace(/^\[|\]$/g, '')) !== 0 || !isHostLabel(bucket, isPlain)
    const authority = inPath ? base.host : `${bucket}.${base.host}`
    const folder = base.pathname.replace(/\/$/, '') + (inPath ? `/${encodeAws(bucket)}` : '')
    const path = key === undefined ? folder || '/' : `${folder}/${key.split('/').map(encodeAws).join('/')}`
    const queryText = Object.entries(query)
      .map(([name, value]) => `${encodeAws(name)}=${encodeAws(value)}`)
      .toSorted()
      .join('&')
    const extra: Record<string, string> = {}
    const plain: Record<string, string> = { 'accept-encoding': 'identity', host: authority }
    for (const [name, value] of Object.entries(headers)) {
      const target = name.startsWith('x-amz-') ? extra : plain
      target[name] = bytesAsCharacters(value)
    }
    // TLS already protects the body in transit, so the signature need not cover it.
    const payloadHash = body === undefined ? EMPTY_HASH : isPlain ? sha256(body) : UNSIGNED_PAYLOAD
    const signed = signer.sign(
      { method, host: authority, path, query: queryText, payloadHash, extra },
      await this.#session.credentials(),
      new Date(this.#resources.clock.now()),
    )
    return [
      `${base.protocol}//${authority}${path}${queryText && `?${queryText}`}`,
      {
        method,
        headers: { ...plain, ...signed },
        ...(body !== undefined && { body }),
        timeoutMs: ANSWER_TIMEOUT_MS,
        ...(maxBytes !== undefined && { maxBytes }),
        ...(signal !== undefined && { signal }),
      },
    ]
  }

  #serverOf(): Promise<Server> {
    this.#server ??= this.#findServer().catch((error: unknown) => {
      this.#server = undefined
      throw error
    })
    return this.#server
  }

  async #findServer(): Promise<Server> {
    const region = await this.#session.region()
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
    const base = new URL(this.#session.endpoint('S3') ?? `https://s3.${region}.${suffix}`)
    return { base, signer: new Signer(region), isPlain: base.protocol === 'http:' }
  }
}

interface Server {
  readonly base: URL
  readonly signer: Signer
  readonly isPlain: boolean
}

/** Whether a bucket can be part of the host name; certificates do not cover names with dots. */
function isHostLabel(bucket: string, isPlain: boolean): boolean {
  return isPlain ? /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) : /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)
}

/** Headers carry bytes: non-ASCII text is sent as UTF-8, with one character for each byte. */
function bytesAsCharacters(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1')
}

async function checksumHeader(
  algorithm: Checksum | undefined,
  body: Uint8Array,
): Promise<Readonly<Record<string, string>>> {
  if (algorithm === undefined) return {}
  return {
    'x-amz-sdk-checksum-algorithm': algorithm,
    [`x-amz-checksum-${algorithm.toLowerCase()}`]: await checksumOf(algorithm, body),
  }
}

async function checksumElement(algorithm: Checksum | undefined, body: Uint8Array): Promise<string> {
  if (algorithm === undefined) return ''
  return `<Checksum${algorithm}>${await checksumOf(algorithm, body)}</Checksum${algorithm}>`
}

async function checksumOf(algorithm: Checksum, body: Uint8Array): Promise<string> {
  switch (algorithm) {
    case 'CRC32':
      return fourBytes(crc32(body))
    case 'CRC32C': {
      const { crc32c } = await import('../../kafka/index.ts')
      return fourBytes(crc32c(Buffer.from(body.buffer, body.byteOffset, body.length)))
    }
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm).update(body).digest('base64')
  }
}

function fourBytes(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes.toString('base64')
}

async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

function errorOf(operation: string, status: number, text: string): S3Error {
  return new S3Error(operation, status, elementText(text, 'Code') ?? '', elementText(text, 'Message') ?? '')
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0])
  return messageOf(error)
}
