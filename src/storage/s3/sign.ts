import { createHmac, hash } from 'node:crypto'

/** The credentials that sign a request. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Replaces the hash of a body that is not part of the signature. */
export const UNSIGNED = 'UNSIGNED-PAYLOAD'

/** Signs requests to one service in one region with AWS Signature Version 4. The key of a day is derived once. */
export class Signer {
  readonly #region: string
  readonly #service: string
  #derivedFrom = ''
  #key: Buffer = Buffer.alloc(0)

  constructor(region: string, service = 's3') {
    this.#region = region
    this.#service = service
  }

  /**
   * Returns the headers that authenticate a request: `x-amz-*` and `authorization`. `path` and `query` are encoded as
   * sent over the wire, the query's parameters sorted by name. `extra` are `x-amz-*` headers to include in the
   * signature; each character of their values is one byte.
   */
  sign(
    request: {
      readonly method: string
      readonly host: string
      readonly path: string
      readonly query: string
      readonly payloadHash: string
      readonly extra?: Readonly<Record<string, string>>
    },
    credentials: S3Credentials,
    now: Date,
  ): Record<string, string> {
    const time = timeText(now)
    const headers: Record<string, string> = {
      'x-amz-content-sha256': request.payloadHash,
      'x-amz-date': time,
      ...request.extra,
    }
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken
    const names = ['host', ...Object.keys(headers)].sort()
    const canonicalHeaders = names
      .map(name => `${name}:${name === 'host' ? request.host : trimmed(headers[name]!)}\n`)
      .join('')
    const signedHeaders = names.join(';')
    const canonical = [
      request.method,
      request.path,
      request.query,
      canonicalHeaders,
      signedHeaders,
      request.payloadHash,
    ].join('\n')
    const scope = this.#scopeOf(time)
    const signature = this.#signatureOf(canonical, time, credentials)
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope},SignedHeaders=${signedHeaders},Signature=${signature}`
    return headers
  }

  /**
   * Returns the query of a GET request of the path `/` without a body, with the parameters that authenticate it for
   * `validSeconds`.
   */
  signQuery(
    request: {
      readonly host: string
      readonly query: Readonly<Record<string, string>>
      readonly validSeconds: number
    },
    credentials: S3Credentials,
    now: Date,
  ): string {
    const time = timeText(now)
    const { sessionToken } = credentials
    const parameters = {
      ...request.query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${credentials.accessKeyId}/${this.#scopeOf(time)}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(request.validSeconds),
      'X-Amz-SignedHeaders': 'host',
      ...(sessionToken !== undefined && { 'X-Amz-Security-Token': sessionToken }),
    }
    const query = Object.entries(parameters)
      .map(([name, value]) => `${encodeAws(name)}=${encodeAws(value)}`)
      .sort()
      .join('&')
    const canonical = ['GET', '/', query, `host:${request.host}\n`, 'host', sha256('')].join('\n')
    return `${query}&X-Amz-Signature=${this.#signatureOf(canonical, time, credentials)}`
  }

  #scopeOf(time: string): string {
    return `${dayOf(time)}/${this.#region}/${this.#service}/aws4_request`
  }

  #signatureOf(canonical: string, time: string, { secretAccessKey }: S3Credentials): string {
    // Header values represent bytes, as sent over the wire; everything else is ASCII.
    const canonicalHash = sha256(Buffer.from(canonical, 'latin1'))
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${this.#scopeOf(time)}\n${canonicalHash}`
    return createHmac('sha256', this.#keyOf(dayOf(time), secretAccessKey))
      .update(toSign)
      .digest('hex')
  }

  #keyOf(day: string, secret: string): Buffer {
    const from = `${day}\n${secret}`
    if (from !== this.#derivedFrom) {
      const dayKey = hmac(`AWS4${secret}`, day)
      this.#key = hmac(hmac(hmac(dayKey, this.#region), this.#service), 'aws4_request')
      this.#derivedFrom = from
    }
    return this.#key
  }
}

let lastTime = { second: 0, text: '19700101T000000Z' }

/** `20260101T120000Z`, formatted once per second: formatting takes 4 µs of the 30 of a signature. */
function timeText(now: Date): string {
  const second = Math.floor(now.getTime() / 1000)
  if (second !== lastTime.second) lastTime = { second, text: now.toISOString().replace(/[-:]|\.\d{3}/g, '') }
  return lastTime.text
}

function dayOf(time: string): string {
  return time.slice(0, 8)
}

/** Canonicalises a header value: trims spaces and collapses runs of them. */
function trimmed(value: string): string {
  return value.includes(' ') ? value.trim().replace(/ +/g, ' ') : value
}

export function sha256(data: string | Uint8Array): string {
  // For 400 bytes 0.8 µs; with a `Hash` object 2 µs.
  return hash('sha256', data)
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** Percent-encodes as AWS does: everything except `A-Z a-z 0-9 - . _ ~`. */
export function encodeAws(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
