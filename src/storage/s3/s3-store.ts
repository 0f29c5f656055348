import { createHash } from 'node:crypto'
import { StorageError, type StorageErrorCode } from '../errors.ts'
import type { ObjectStore, Range } from '../object-store.ts'
import {
  type Answer,
  type Dialect,
  type Exchange,
  header,
  type Multipart,
  type PageRequest,
} from '../remote/dialect.ts'
import { RemoteStore, type RemoteStoreOptions } from '../remote/remote-store.ts'
import { prefixOf, UrlParameters } from '../url-parameters.ts'
import { elementText, elements } from '../xml.ts'
import { CredentialSource } from './credentials.ts'
import { encodeAws, sha256, Signer, UNSIGNED } from './sign.ts'

/**
 * Opens `s3://bucket/prefix?region=…&endpoint=…&forcePathStyle=…`, on AWS or on any service that speaks its
 * protocol. Parameters as in Go CDK: `region` (else AWS_REGION, AWS_DEFAULT_REGION, us-east-1), `endpoint`
 * (else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL), `forcePathStyle`, `disableSSL`, `profile`, `anonymous`,
 * `dualstack`, `fips`, `ssetype`, `kmskeyid`, `prefix`; `assumeRoleArn` (else
 * WARPSTREAM_BUCKET_ASSUME_ROLE_ARN_DEFAULT). Throws `invalid_url`.
 */
export function openS3Store(url: URL, options: RemoteStoreOptions = {}): ObjectStore {
  return new RemoteStore(new S3Dialect(url), options)
}

const MEBIBYTE = 1024 * 1024
const PUT_ID = 'x-amz-meta-put-id'

class S3Dialect implements Dialect {
  readonly url: string
  readonly origin: string
  readonly multipart: Multipart
  readonly #bucket: string
  readonly #host: string
  /** `/`, or `/bucket/` if the bucket is part of the path. */
  readonly #base: string
  readonly #prefix: string
  readonly #signer: Signer
  readonly #credentials: CredentialSource | undefined
  readonly #encryption: Readonly<Record<string, string>>
  /** False over TLS, where the signature need not include a hash of the body. */
  readonly #signsBody: boolean

  constructor(url: URL) {
    const parameters = new UrlParameters(url)
    const { env } = process
    const region = parameters.text('region') ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1')
    const endpoint = parameters.text('endpoint') ?? (env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || undefined)
    const pathStyle = parameters.boolean('forcePathStyle', 's3ForcePathStyle', 'use_path_style', 'hostname_immutable')
    const plain = parameters.boolean('disableSSL', 'disable_https') === true
    const dualstack = parameters.boolean('dualstack') === true ? '.dualstack' : ''
    const fips = parameters.boolean('fips') === true ? '-fips' : ''
    const profile = parameters.text('profile')
    const anonymous = parameters.boolean('anonymous') === true
    const assumeRoleArn = parameters.text('assumeRoleArn') ?? env['WARPSTREAM_BUCKET_ASSUME_ROLE_ARN_DEFAULT']
    const sse = parameters.text('ssetype')
    const kmsKey = parameters.text('kmskeyid')
    this.#prefix = prefixOf(url, parameters.text('prefix'))
    parameters.text('awssdk')
    parameters.finish()

    this.#bucket = url.host
    if (!/^[a-z0-9][a-z0-9.-]{1,62}$/.test(this.#bucket)) {
      throw new StorageError(
        'invalid_url',
        `${url.protocol}//${url.host} does not name a bucket: s3://BUCKET?region=REGION`,
      )
    }
    const server = serverOf(endpoint ?? `s3${fips}${dualstack}.${region}.amazonaws.com`, plain)
    // A certificate for *.host does not cover bucket names with dots, and most stores
    // other than AWS do not support bucket hosts.
    const inPath = pathStyle ?? (endpoint !== undefined || this.#bucket.includes('.'))
    if (!inPath) server.host = `${this.#bucket}.${server.host}`
    this.#host = server.host
    this.#base = inPath ? `/${this.#bucket}/` : '/'
    this.origin = server.origin
    this.url = `s3://${this.#bucket}/${this.#prefix}${endpoint === undefined ? '' : `?endpoint=${server.origin}`}`
    this.#signer = new Signer(region)
    this.#signsBody = server.protocol === 'http:'
    this.#credentials = anonymous ? undefined : new CredentialSource({ profile, assumeRoleArn })
    this.#encryption = {
      ...(sse === undefined ? {} : { 'x-amz-server-side-encryption': sse }),
      ...(kmsKey === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKey }),
    }
    this.multipart = this.#multipart()
  }

  put(key: string, body: Uint8Array, { ifAbsent, putId }: { ifAbsent: boolean; putId: string }): Promise<Exchange> {
    const extra = { [PUT_ID]: putId, ...this.#encryption }
    return this.#exchange('PUT', key, [], { body, extra, unsigned: ifAbsent ? { 'if-none-match': '*' } : {} })
  }

  get(key: string, range: Range | undefined): Promise<Exchange> {
    const unsigned: Record<string, string> = {}
    if (range !== undefined) unsigned['range'] = `bytes=${range.position}-${range.position + range.length - 1}`
    return this.#exchange('GET', key, [], { unsigned })
  }

  head(key: string): Promise<Exchange> {
    return this.#exchange('HEAD', key, [])
  }

  delete(key: string): Promise<Exchange> {
    return this.#exchange('DELETE', key, [])
  }

  list({ prefix, after, limit, token }: PageRequest): Promise<Exchange> {
    const query: [string, string][] = [
      ['list-type', '2'],
      ['max-keys', String(limit)],
      ['prefix', this.#prefix + prefix],
    ]
    if (token !== undefined) query.push(['continuation-token', token])
    else if (after !== '') query.push(['start-after', this.#prefix + after])
    return this.#exchange('GET', undefined, query)
  }

  pageOf(answer: Answer) {
    const text = answer.body.toString()
    const objects = elements(text, 'Contents').map(content => ({
      key: elementText(content, 'Key')!.slice(this.#prefix.length),
      sizeBytes: Number(elementText(content, 'Size')),
    }))
    const truncated = elementText(text, 'IsTruncated') === 'true'
    return { objects, next: truncated ? elementText(text, 'NextContinuationToken') : undefined }
  }

  putIdOf(answer: Answer): string | undefined {
    return header(answer, PUT_ID)
  }

  sizeOf(answer: Answer): number {
    return Number(header(answer, 'content-length'))
  }

  errorOf(answer: Answer, subject: string): StorageError {
    const text = answer.body.toString()
    const code = elementText(text, 'Code') ?? ''
    const said = [code, elementText(text, 'Message')].filter(Boolean).join(': ') || `HTTP status ${answer.status}`
    const region = header(answer, 'x-amz-bucket-region')
    const hint =
      hints[code] ?? (region !== undefined && answer.status === 301 ? `the bucket is in ${region}` : undefined)
    const message = `${subject} in bucket ${this.#bucket}: ${said}${hint === undefined ? '' : ` (${hint})`}`
    return new StorageError(storageCode(answer.status, code), message)
  }

  refreshCredentials(): void {
    this.#credentials?.forget()
  }

  #multipart(): Multipart {
    return {
      thresholdBytes: 64 * MEBIBYTE,
      partBytes: 16 * MEBIBYTE,
      create: (key, putId) =>
        this.#exchange('POST', key, [['uploads', '']], { extra: { [PUT_ID]: putId, ...this.#encryption } }),
      uploadIdOf: answer => elementText(answer.body.toString(), 'UploadId') ?? '',
      part: (key, uploadId, number, body) => {
        const query: [string, string][] = [
          ['partNumber', String(number)],
          ['uploadId', uploadId],
        ]
        return this.#exchange('PUT', key, query, { body })
      },
      partTagOf: answer => header(answer, 'etag') ?? '',
      complete: (key, uploadId, tags, ifAbsent) => {
        const parts = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`)
        const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
        const unsigned: Record<string, string> = { 'content-type': 'application/xml' }
        if (ifAbsent) unsigned['if-none-match'] = '*'
        return this.#exchange('POST', key, [['uploadId', uploadId]], { body, unsigned })
      },
      abort: (key, uploadId) => this.#exchange('DELETE', key, [['uploadId', uploadId]]),
    }
  }

  async #exchange(
    method: Exchange['method'],
    key: string | undefined,
    query: readonly (readonly [string, string])[],
    { body, extra, unsigned = {} }: ExchangeParts = {},
  ): Promise<Exchange> {
    const path = key === undefined ? this.#base : this.#base + (this.#prefix + key).split('/').map(encodeAws).join('/')
    const queryText = query
      .map(([name, value]) => `${encodeAws(name)}=${encodeAws(value)}`)
      .toSorted()
      .join('&')
    const headers: Record<string, string> = { host: this.#host, ...unsigned }
    if (body !== undefined && this.#signsBody && this.#credentials === undefined) {
      headers['content-md5'] = createHash('md5').update(body).digest('base64')
    }
    if (this.#credentials === undefined) Object.assign(headers, extra)
    else {
      const found = this.#credentials.get()
      const credentials = found instanceof Promise ? await found : found
      const payloadHash = body === undefined ? EMPTY_HASH : this.#signsBody ? sha256(body) : UNSIGNED
      const request = { method, host: this.#host, path, query: queryText, payloadHash, ...(extra && { extra }) }
      Object.assign(headers, this.#signer.sign(request, credentials, new Date()))
    }
    const target = queryText === '' ? path : `${path}?${queryText}`
    return { method, path: target, headers, ...(body && { body }) }
  }
}

interface ExchangeParts {
  readonly body?: Uint8Array
  /** Headers `x-amz-*`, which are signed. */
  readonly extra?: Readonly<Record<string, string>>
  readonly unsigned?: Readonly<Record<string, string>>
}

const EMPTY_HASH = sha256('')

const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'create it first, or check its name and the region',
  AccessDenied: 's3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject are needed',
  SignatureDoesNotMatch: 'the secret key is wrong',
  InvalidAccessKeyId: 'the access key is wrong',
  RequestTimeTooSkewed: "this machine's clock is off",
  NotImplemented: 'the store must support conditional puts (If-None-Match)',
}

function storageCode(status: number, code: string): StorageErrorCode {
  switch (code) {
    case 'ExpiredToken':
    case 'SlowDown':
    case 'RequestTimeout':
    case 'ConditionalRequestConflict':
    case 'OperationAborted':
      return 'unavailable'
    case 'NoSuchBucket':
    case 'NoSuchUpload':
    case 'NotImplemented':
      return 'failed'
    case 'XMinioStorageFull':
    case 'QuotaExceeded':
      return 'full'
  }
  switch (status) {
    case 404:
      return 'not_found'
    case 412:
      return 'already_exists'
    case 416:
      return 'out_of_range'
    case 507:
      return 'full'
    case 408:
    case 429:
      return 'unavailable'
    default:
      return status >= 500 && status !== 501 ? 'unavailable' : 'failed'
  }
}

function serverOf(endpoint: string, plain: boolean): URL {
  const text = /^https?:\/\//.test(endpoint) ? endpoint : `${plain ? 'http' : 'https'}://${endpoint}`
  const server = URL.parse(text)
  if (server === null || server.pathname !== '/') {
    throw new StorageError('invalid_url', `the endpoint ${endpoint} is not a host, or a URL of scheme, host and port`)
  }
  return server
}
