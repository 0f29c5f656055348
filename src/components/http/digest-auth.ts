import { createHash } from 'node:crypto'

/** A digest challenge from `WWW-Authenticate: Digest` (RFC 7616). */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  /** `MD5`, `SHA-256` or `SHA-512-256`, each optionally with `-sess`. */
  readonly algorithm: string
  /** Whether the server offers the quality of protection `auth`; false if it names none. */
  readonly hasQop: boolean
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' }

/** The first supported challenge in the headers of a response; undefined if there is none. */
export function digestChallenge(header: string | readonly string[] | undefined): DigestChallenge | undefined {
  for (const text of [header ?? []].flat()) {
    for (const challenge of text.split(/(?:^|,)\s*(?=Digest\s)/i)) {
      const parsed = parseChallenge(challenge)
      if (parsed !== undefined) return parsed
    }
  }
  return undefined
}

function parseChallenge(text: string): DigestChallenge | undefined {
  if (!/^Digest\s/i.test(text)) return undefined
  const values = new Map<string, string>()
  for (const [, name, quoted, bare] of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    values.set(name!.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare!)
  }
  const algorithm = (values.get('algorithm') ?? 'MD5').toUpperCase()
  const qop = values.get('qop')
  const nonce = values.get('nonce')
  if (nonce === undefined || !Object.hasOwn(hashes, algorithm.replace(/-SESS$/, ''))) return undefined
  if (qop !== undefined && !qop.split(/\s*,\s*/).includes('auth')) return undefined
  return { realm: values.get('realm') ?? '', nonce, opaque: values.get('opaque'), algorithm, hasQop: qop !== undefined }
}

interface DigestRequest {
  readonly username: string
  readonly password: string
  readonly method: string
  /** Path and query. */
  readonly uri: string
  readonly clientNonce: string
  /** How often the server's nonce was used, including this time. */
  readonly count: number
}

/** The `Authorization` header that answers a challenge. */
export function digestAuthorization(challenge: DigestChallenge, request: DigestRequest): string {
  const { realm, nonce, opaque, algorithm, hasQop } = challenge
  const { username, password, method, uri, clientNonce, count } = request
  const hash = (text: string) =>
    createHash(hashes[algorithm.replace(/-SESS$/, '')]!)
      .update(text)
      .digest('hex')
  const user = hash(`${username}:${realm}:${password}`)
  const secret = algorithm.endsWith('-SESS') ? hash(`${user}:${nonce}:${clientNonce}`) : user
  const counted = count.toString(16).padStart(8, '0')
  const what = hash(`${method}:${uri}`)
  const response = hash(
    hasQop ? `${secret}:${nonce}:${counted}:${clientNonce}:auth:${what}` : `${secret}:${nonce}:${what}`,
  )
  const quoted = (text: string) => `"${text.replace(/["\\]/g, char => `\\${char}`)}"`
  return `Digest ${[
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm.replace(/SESS$/, 'sess')}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(hasQop || algorithm.endsWith('-SESS') ? [`cnonce="${clientNonce}"`] : []),
    ...(hasQop ? ['qop=auth', `nc=${counted}`] : []),
  ].join(', ')}`
}
