import { randomUUID } from 'node:crypto'

/** A server that imitates AWS, as the integration tests look into it. It checks no signatures. */
export class AwsFixture {
  readonly #address: string

  constructor(address: string) {
    this.#address = address
  }

  get port(): number {
    return Number(new URL(this.#address).port)
  }

  /** The session of a component, at the server or at a proxy before it. */
  session(port = this.port) {
    return {
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { id: 'AKIATEST', secret: 'secret' },
    }
  }

  newId(): string {
    return `t-${randomUUID().slice(0, 8)}`
  }

  async newBucket(): Promise<string> {
    const bucket = this.newId()
    await this.#s3('PUT', bucket)
    return bucket
  }

  async putObject(bucket: string, key: string, text: string, headers: Record<string, string> = {}): Promise<void> {
    await this.#s3('PUT', `${bucket}/${pathOf(key)}`, {
      body: text,
      headers: { 'content-type': 'text/plain', ...headers },
    })
  }

  async getObject(bucket: string, key: string): Promise<{ readonly headers: Headers; readonly text: string }> {
    const response = await this.#s3('GET', `${bucket}/${pathOf(key)}`)
    return { headers: response.headers, text: await response.text() }
  }

  async tagsOf(bucket: string, key: string): Promise<string> {
    return (await this.#s3('GET', `${bucket}/${pathOf(key)}?tagging`)).text()
  }

  async checksumOf(bucket: string, key: string, algorithm: string): Promise<string> {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' }
    const response = await this.#s3('HEAD', `${bucket}/${pathOf(key)}`, { headers })
    return response.headers.get(`x-amz-checksum-${algorithm.toLowerCase()}`) ?? ''
  }

  async keysOf(bucket: string): Promise<readonly string[]> {
    const text = await (await this.#s3('GET', `${bucket}?list-type=2&max-keys=1000`)).text()
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key!)
  }

  async #s3(
    method: string,
    path: string,
    { headers, body }: { readonly headers?: Record<string, string>; readonly body?: string } = {},
  ): Promise<Response> {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0'
    const response = await fetch(`${this.#address}/${path}`, {
      method,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
}

function pathOf(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}
