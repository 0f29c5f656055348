import { randomUUID } from 'node:crypto'

/** A server that emulates AWS, with accessors for the integration tests. It does not verify signatures. */
export class AwsFixture {
  readonly #address: string

  constructor(address: string) {
    this.#address = address
  }

  get port(): number {
    return Number(new URL(this.#address).port)
  }

  /** The session of a component, connected to the server or to a proxy in front of it. */
  session(port = this.port) {
    return {
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { id: 'AKIATEST', secret: 'secret' },
    }
  }

  /** Options for clients of the AWS SDK. */
  clientOptions() {
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }
    return { region: 'us-east-1', endpoint: this.#address, credentials }
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

  /** Lambda functions are not executed: the server echoes the payload of a call. */
  async useSimpleLambda(): Promise<void> {
    await fetch(`${this.#address}/moto-api/config`, { method: 'POST', body: '{"lambda":{"use_docker":false}}' })
  }

  /** Sets what the next function call returns instead. */
  async answerLambda(text: string): Promise<void> {
    const body = JSON.stringify({ results: [text], region: 'us-east-1' })
    await fetch(`${this.#address}/moto-api/static/lambda-simple/response`, { method: 'POST', body })
  }

  /** Creates a role for functions to run as and returns its ARN. */
  async newRole(): Promise<string> {
    const body = new URLSearchParams({
      Action: 'CreateRole',
      Version: '2010-05-08',
      RoleName: this.newId(),
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    })
    const headers = { authorization: authorizationFor('iam') }
    const response = await fetch(`${this.#address}/`, { method: 'POST', headers, body })
    const text = await response.text()
    const arn = /<Arn>([^<]*)<\/Arn>/.exec(text)?.[1]
    if (arn === undefined) throw new Error(`no role was made: ${text}`)
    return arn
  }

  async #s3(
    method: string,
    path: string,
    { headers, body }: { readonly headers?: Record<string, string>; readonly body?: string } = {},
  ): Promise<Response> {
    const authorization = authorizationFor('s3')
    const response = await fetch(`${this.#address}/${path}`, {
      method,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
}

/** The server reads this only to determine the service. */
function authorizationFor(service: string): string {
  return `AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`
}

function pathOf(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}
