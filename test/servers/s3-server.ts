// An S3 server for tests and for clusters on one machine: signatures, conditional puts, ranges, multipart uploads and
// ListObjectsV2 over a folder or memory, with faults on demand. No S3 server packaged by npm or Debian supports
// conditional puts; the responses of this one were compared with those of MinIO and the documented ones of AWS.
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ObjectStore, openStore, StorageError } from '../../src/storage/index.ts'
import { portOf } from './ports.ts'

/** The fault of a request: it is answered late, with a status, or not at all. */
export interface Fault {
  readonly delayMs?: number
  /** The response status, in place of executing the request. */
  readonly status?: number
  /** The S3 error code sent with the status; `InternalError` by default. */
  readonly code?: string
  /** Executes the request and closes the connection without a response. */
  readonly loseAnswer?: boolean
}

export interface S3ServerOptions {
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Where objects are stored; in memory by default. */
  readonly storeUrl?: string
  readonly port?: number
  /** Called before every request. */
  readonly fault?: (request: {
    readonly method: string
    readonly path: string
    /** The header, if there is one. */
    readonly range: string | undefined
  }) => Fault | undefined
}

export interface S3Server {
  readonly endpoint: string
  /** Number of requests so far. */
  readonly requests: number
  close(): Promise<void>
}

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const store = await openStore(options.storeUrl ?? 'mem://', { fsync: false })
  const handler = new Handler(options, store)
  const server: Server = createServer((request, response) => void handler.serve(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  // A listening TCP server has an address with a port.
  const port = portOf(server)
  return {
    endpoint: `http://127.0.0.1:${port}`,
    get requests() {
      return handler.requests
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await store.close()
    },
  }
}

interface Upload {
  readonly key: string
  readonly putId: string
  readonly parts: Map<number, Buffer>
}

class Handler {
  requests = 0
  readonly #options: S3ServerOptions
  readonly #store: ObjectStore
  readonly #uploads = new Map<string, Upload>()
  /** Metadata and ETags by key; an object from before a restart has none. */
  readonly #details = new Map<string, { putId: string; etag: string }>()

  constructor(options: S3ServerOptions, store: ObjectStore) {
    this.#options = options
    this.#store = store
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    try {
      const body = Buffer.concat(await request.toArray())
      const url = new URL(request.url!, 'http://s3')
      const fault = this.#options.fault?.({
        method: request.method!,
        path: url.pathname,
        range: request.headers.range,
      })
      if (fault?.delayMs !== undefined) await sleep(fault.delayMs, undefined, { ref: false })
      if (fault?.status !== undefined)
        throw new S3Error(fault.status, fault.code ?? 'InternalError', 'a fault was injected')
      this.#authenticate(request, url, body)
      const result = await this.#handle(request, url, body)
      if (fault?.loseAnswer === true) return void request.socket.destroy()
      response.writeHead(result.status ?? 200, { 'x-amz-request-id': randomUUID(), ...result.headers })
      response.end(request.method === 'HEAD' ? undefined : result.body)
    } catch (error) {
      const { status, code, message } = s3Error(error)
      response.writeHead(status, { 'content-type': 'application/xml' })
      response.end(request.method === 'HEAD' ? undefined : xml('Error', { Code: code, Message: message }))
    }
  }

  #authenticate(request: IncomingMessage, url: URL, body: Buffer): void {
    const { accessKeyId, secretAccessKey } = this.#options
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
        request.headers.authorization ?? '',
      )
    if (match === null) throw new S3Error(403, 'AccessDenied', 'Access Denied.')
    const [, id, day, region, names, signature] = match
    if (id !== accessKeyId) throw new S3Error(403, 'InvalidAccessKeyId', 'The access key does not exist.')
    const time = String(request.headers['x-amz-date'])
    const sentAt = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    if (!(Math.abs(Date.now() - sentAt) < 15 * 60_000)) {
      throw new S3Error(
        403,
        'RequestTimeTooSkewed',
        'The difference between the request time and the server is too large.',
      )
    }
    const payloadHash = String(request.headers['x-amz-content-sha256'])
    if (payloadHash !== 'UNSIGNED-PAYLOAD' && payloadHash !== createHash('sha256').update(body).digest('hex')) {
      throw new S3Error(400, 'XAmzContentSHA256Mismatch', 'The provided x-amz-content-sha256 header does not match.')
    }
    // Runs of spaces count as one, and each character of a value is one byte.
    const headers = names!
      .split(';')
      .map(name => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`)
    const query = [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .toSorted()
      .join('&')
    const canonical = [request.method, url.pathname, query, headers.join(''), names, payloadHash].join('\n')
    const hash = createHash('sha256').update(canonical, 'latin1').digest('hex')
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/s3/aws4_request\n${hash}`
    const key = [day!, region!, 's3', 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${secretAccessKey}`)
    if (hmac(key, toSign).toString('hex') !== signature) {
      throw new S3Error(403, 'SignatureDoesNotMatch', 'The request signature does not match.')
    }
  }

  async #handle(request: IncomingMessage, url: URL, body: Buffer): Promise<Result> {
    const [, bucket, ...rest] = url.pathname.split('/')
    if (bucket !== this.#options.bucket) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist')
    const key = rest.map(decodeURIComponent).join('/')
    const ifAbsent = request.headers['if-none-match'] === '*'
    const uploadId = url.searchParams.get('uploadId')
    switch (request.method) {
      case 'PUT':
        if (uploadId !== null) return this.#putPart(uploadId, Number(url.searchParams.get('partNumber')), body)
        return await this.#put(key, body, ifAbsent, String(request.headers['x-amz-meta-put-id'] ?? ''))
      case 'GET':
        return key === '' ? await this.#list(url.searchParams) : await this.#get(key, request.headers.range)
      case 'HEAD':
        return await this.#head(key)
      case 'DELETE':
        if (uploadId !== null) this.#uploads.delete(uploadId)
        else {
          await this.#store.delete([key])
          this.#details.delete(key)
        }
        return { status: 204 }
      case 'POST':
        if (uploadId !== null) return await this.#complete(uploadId, ifAbsent)
        return this.#create(key, String(request.headers['x-amz-meta-put-id'] ?? ''))
      default:
        throw new S3Error(405, 'MethodNotAllowed', 'The method is not allowed against this resource.')
    }
  }

  async #put(key: string, body: Buffer, ifAbsent: boolean, putId: string): Promise<Result> {
    await this.#store.put(key, [body], { ifAbsent })
    const etag = `"${createHash('md5').update(body).digest('hex')}"`
    this.#details.set(key, { putId, etag })
    return { headers: { etag } }
  }

  async #get(key: string, range: string | undefined): Promise<Result> {
    const whole = await this.#store.get(key)
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')
    if (match === null) return { body: whole }
    const start = Number(match[1])
    const end = Math.min(Number(match[2]), whole.byteLength - 1)
    if (start >= whole.byteLength) throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable')
    const headers = { 'content-range': `bytes ${start}-${end}/${whole.byteLength}` }
    return { status: 206, headers, body: whole.subarray(start, end + 1) }
  }

  async #head(key: string): Promise<Result> {
    const whole = await this.#store.get(key)
    const { putId = '', etag = '' } = this.#details.get(key) ?? {}
    return { headers: { 'content-length': String(whole.byteLength), 'x-amz-meta-put-id': putId, etag } }
  }

  async #list(query: URLSearchParams): Promise<Result> {
    const limit = Number(query.get('max-keys') ?? 1000)
    const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
    const found = await this.#store.list({ prefix: query.get('prefix') ?? '', after, limit: limit + 1 })
    const page = found.slice(0, limit)
    const contents = page.map(({ key, sizeBytes }) => xml('Contents', { Key: key, Size: String(sizeBytes) })).join('')
    const truncated = found.length > limit
    const next = truncated ? `<NextContinuationToken>${page.at(-1)!.key}</NextContinuationToken>` : ''
    return { body: `<ListBucketResult><IsTruncated>${truncated}</IsTruncated>${next}${contents}</ListBucketResult>` }
  }

  #create(key: string, putId: string): Result {
    const id = randomUUID()
    this.#uploads.set(id, { key, putId, parts: new Map() })
    return { body: xml('InitiateMultipartUploadResult', { UploadId: id }) }
  }

  #putPart(id: string, number: number, body: Buffer): Result {
    const upload = this.#uploads.get(id)
    if (upload === undefined) throw new S3Error(404, 'NoSuchUpload', 'The specified upload does not exist.')
    upload.parts.set(number, body)
    return { headers: { etag: `"${createHash('md5').update(body).digest('hex')}"` } }
  }

  async #complete(id: string, ifAbsent: boolean): Promise<Result> {
    const upload = this.#uploads.get(id)
    if (upload === undefined) throw new S3Error(404, 'NoSuchUpload', 'The specified upload does not exist.')
    const parts = [...upload.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part)
    const result = await this.#put(upload.key, Buffer.concat(parts), ifAbsent, upload.putId)
    this.#uploads.delete(id)
    return { ...result, body: xml('CompleteMultipartUploadResult', { Key: upload.key }) }
  }
}

interface Result {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

class S3Error extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

function s3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  if (!(error instanceof StorageError)) return new S3Error(500, 'InternalError', String(error))
  switch (error.code) {
    case 'not_found':
      return new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')
    case 'already_exists':
      return new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
    case 'full':
      return new S3Error(507, 'XMinioStorageFull', 'The disk is full.')
    default:
      return new S3Error(500, 'InternalError', error.message)
  }
}

function xml(name: string, values: Readonly<Record<string, string>>): string {
  const inner = Object.entries(values).map(([key, value]) => `<${key}>${escaped(value)}</${key}>`)
  return `<${name}>${inner.join('')}</${name}>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
