import { createHmac } from 'node:crypto'

/** Signs requests with a storage account's shared key. Source: "Authorize with Shared Key" of the Blob service. */
export function sharedKeyAuthorization(
  account: string,
  key: Buffer,
  request: {
    readonly method: string
    /** As sent over the wire, without the query. */
    readonly path: string
    readonly query: readonly (readonly [string, string])[]
    readonly headers: Readonly<Record<string, string>>
    readonly contentLength: number
  },
): string {
  const { headers } = request
  const amz = Object.keys(headers)
    .filter(name => name.startsWith('x-ms-'))
    .toSorted()
    .map(name => `${name}:${headers[name]!}\n`)
    .join('')
  const query = [...request.query]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`)
    .join('')
  const toSign = [
    request.method,
    '', // Content-Encoding
    '', // Content-Language
    request.contentLength === 0 ? '' : String(request.contentLength),
    '', // Content-MD5
    headers['content-type'] ?? '',
    '', // Date: replaced by x-ms-date
    '', // If-Modified-Since
    headers['if-match'] ?? '',
    headers['if-none-match'] ?? '',
    '', // If-Unmodified-Since
    '', // Range: replaced by x-ms-range
    `${amz}/${account}${request.path}${query}`,
  ].join('\n')
  const signature = createHmac('sha256', key).update(toSign).digest('base64')
  return `SharedKey ${account}:${signature}`
}
