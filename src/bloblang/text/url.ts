/** URLs and query strings with the behaviour of Go's net/url. */
import { isIPv4 } from 'node:net'
import { MappingError } from '../errors.ts'
import { badByte, isBadByte, normalizeText, utf8Bytes, utf8Text } from './bytes.ts'
import { addressFault } from './ip-address.ts'
import { quote } from './quote.ts'

type Part = 'query' | 'path' | 'host' | 'zone' | 'user' | 'fragment'

/** Escapes text for a query; spaces become `+`. */
export function queryEscape(text: string): string {
  if (!text.isWellFormed()) return escapeBytes(text)
  if (PLAIN_QUERY.test(text)) return text.replaceAll(' ', '+')
  return encodeURIComponent(text).replace(/%20|[!'()*]/g, escape => KEPT_BY_URI[escape]!)
}

const PLAIN_QUERY = /^[A-Za-z0-9\-_.~ ]*$/
/** What JavaScript's function encodes differently. */
const KEPT_BY_URI: Readonly<Record<string, string>> = {
  '%20': '+',
  '!': '%21',
  "'": '%27',
  '(': '%28',
  ')': '%29',
  '*': '%2A',
}

function escapeBytes(text: string): string {
  let out = ''
  for (const byte of utf8Bytes(text)) {
    const char = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.~]/.test(char)) out += char
    else out += char === ' ' ? '+' : percentEncoded(byte)
  }
  return out
}

/** Unescapes a part of a query string. Throws `invalid URL escape "%zz"`. */
export function queryUnescape(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!text.isWellFormed()) return unescapePart(text, 'query')
  if (!text.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch (error) {
    // Bytes that are not UTF-8 are kept, and an invalid escape is named in the error.
    if (!(error instanceof URIError)) throw error
  }
  return unescapePart(text, 'query')
}

/** Parses the keys and values of a form or query; throws the first error, after reading the rest. */
export function parseQuery(query: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  let failure: MappingError | undefined
  for (const pair of query.split('&')) {
    if (pair.includes(';')) {
      failure ??= new MappingError('invalid semicolon separator in query')
      continue
    }
    if (pair === '') continue
    const equals = pair.indexOf('=')
    try {
      const key = queryUnescape(equals < 0 ? pair : pair.slice(0, equals))
      const value = queryUnescape(equals < 0 ? '' : pair.slice(equals + 1))
      const list = values.get(key)
      if (list === undefined) values.set(key, [value])
      else list.push(value)
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
  return values
}

/** The parts of a URL, named as in net/url. */
export interface ParsedUrl {
  readonly scheme: string
  readonly opaque: string
  readonly user?: { readonly name: string; readonly password?: string }
  readonly host: string
  readonly path: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly fragment: string
  readonly rawFragment: string
}

/** Parses a URL. Throws `parse "…": …`. */
export function parseUrl(text: string): ParsedUrl {
  const hash = text.indexOf('#')
  const [main, rest] = hash < 0 ? [text, ''] : [text.slice(0, hash), text.slice(hash + 1)]
  const url = failing(main, () => parseMain(main))
  if (rest === '') return url
  const fragment = failing(text, () => unescapePart(rest, 'fragment'))
  return { ...url, fragment, rawFragment: escapePart(fragment, 'fragment') === rest ? '' : rest }
}

function failing<T>(text: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`parse ${quote(text)}: ${error.message}`)
    throw error
  }
}

function parseMain(text: string): ParsedUrl {
  const bare = { scheme: '', opaque: '', host: '', path: '', rawPath: '', rawQuery: '', fragment: '', rawFragment: '' }
  // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
  if (/[\0-\x1f\x7f]/.test(text)) throw new MappingError('net/url: invalid control character in URL')
  if (text === '*') return { ...bare, path: '*' }
  const [scheme, afterScheme] = splitScheme(text)
  const [beforeQuery, rawQuery] = splitQuery(afterScheme)
  let rest = beforeQuery
  const url = { ...bare, scheme: scheme.toLowerCase(), rawQuery }
  if (!rest.startsWith('/')) {
    if (url.scheme !== '') return { ...url, opaque: rest }
    if ((rest.split('/', 1)[0] ?? '').includes(':'))
      throw new MappingError('first path segment in URL cannot contain colon')
  }
  let authority: ReturnType<typeof parseAuthority> = { host: '' }
  if ((url.scheme !== '' || !rest.startsWith('///')) && rest.startsWith('//')) {
    const slash = rest.indexOf('/', 2)
    const end = slash < 0 ? rest.length : slash
    authority = parseAuthority(rest.slice(2, end), url.scheme)
    rest = rest.slice(end)
  }
  const path = unescapePart(rest, 'path')
  return { ...url, ...authority, path, rawPath: escapePart(path, 'path') === rest ? '' : rest }
}

function splitScheme(text: string): [string, string] {
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (/[a-zA-Z]/.test(char)) continue
    if (/[0-9+.-]/.test(char)) {
      if (i === 0) return ['', text]
      continue
    }
    if (char !== ':') return ['', text]
    if (i === 0) throw new MappingError('missing protocol scheme')
    return [text.slice(0, i), text.slice(i + 1)]
  }
  return ['', text]
}

function splitQuery(text: string): [string, string] {
  const mark = text.indexOf('?')
  return mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)]
}

function parseAuthority(
  authority: string,
  scheme: string,
): { host: string; user?: { name: string; password?: string } } {
  const at = authority.lastIndexOf('@')
  const host = parseHost(at < 0 ? authority : authority.slice(at + 1), scheme)
  if (at < 0) return { host }
  const info = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(info)) throw new MappingError('net/url: invalid userinfo')
  const colon = info.indexOf(':')
  if (colon < 0) return { host, user: { name: unescapePart(info, 'user') } }
  const name = unescapePart(info.slice(0, colon), 'user')
  return { host, user: { name, password: unescapePart(info.slice(colon + 1), 'user') } }
}

function parseHost(host: string, scheme: string): string {
  const bracket = host.lastIndexOf('[')
  if (bracket > 0) throw new MappingError('invalid IP-literal')
  if (bracket === 0) {
    const close = host.lastIndexOf(']')
    if (close < 0) throw new MappingError("missing ']' in host")
    const port = host.slice(close + 1)
    checkPort(port)
    const inside = host.slice(1, close)
    const zone = inside.indexOf('%25')
    const address =
      zone < 0
        ? unescapePart(inside, 'host')
        : unescapePart(inside.slice(0, zone), 'host') + unescapePart(inside.slice(zone), 'zone')
    if (isIPv4(address)) throw new MappingError('invalid IP-literal')
    const fault = addressFault(address)
    if (fault !== null) throw new MappingError(`invalid host: ${fault}`)
    return `[${address}]${unescapePart(port, 'host')}`
  }
  const isWeb = scheme === 'http' || scheme === 'https'
  const colon = isWeb ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon >= 0) checkPort(host.slice(colon))
  return unescapePart(host, 'host')
}

function checkPort(port: string): void {
  if (port !== '' && !/^:[0-9]*$/.test(port)) throw new MappingError(`invalid port ${quote(port)} after host`)
}

function unescapePart(text: string, part: Part): string {
  let out = ''
  let bytes: number[] = []
  const flush = () => {
    if (bytes.length > 0) out += utf8Text(Uint8Array.from(bytes))
    bytes = []
  }
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === '%') {
      const code = text.slice(i + 1, i + 3)
      if (!/^[0-9a-fA-F]{2}$/.test(code))
        throw new MappingError(`invalid URL escape ${quote(firstBytes(text.slice(i), 3))}`)
      const byte = Number.parseInt(code, 16)
      if (part === 'host' && byte < 0x80 && code !== '25') {
        throw new MappingError(`invalid URL escape ${quote(text.slice(i, i + 3))}`)
      }
      if (part === 'zone' && code !== '25' && byte !== 0x20 && shouldEscape(byte, 'host')) {
        throw new MappingError(`invalid URL escape ${quote(text.slice(i, i + 3))}`)
      }
      bytes.push(byte)
      i += 2
      continue
    }
    flush()
    if ((part === 'host' || part === 'zone') && char < '\x80' && shouldEscape(char.charCodeAt(0), part)) {
      throw new MappingError(`invalid character ${quote(char)} in host name`)
    }
    out += char === '+' && part === 'query' ? ' ' : char
  }
  flush()
  return normalizeText(out)
}

function firstBytes(text: string, count: number): string {
  return utf8Text(utf8Bytes(text.slice(0, count)).subarray(0, count))
}

function escapePart(text: string, part: Part): string {
  let out = ''
  for (const char of text) {
    const code = char.codePointAt(0)!
    if (code < 0x80 && !shouldEscape(code, part)) {
      out += char
      continue
    }
    const bytes = isBadByte(code) ? Uint8Array.of(badByte(code)) : utf8Bytes(char)
    for (const byte of bytes) out += percentEncoded(byte)
  }
  return out
}

function percentEncoded(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function shouldEscape(code: number, part: Part): boolean {
  const char = String.fromCharCode(code)
  if (/[A-Za-z0-9\-_.~]/.test(char)) return false
  if ((part === 'host' || part === 'zone') && '!$&\'()*+,;=:[]<>"'.includes(char)) return false
  if ('$&+,/:;=?@'.includes(char)) {
    if (part === 'path') return char === '?'
    if (part === 'user') return '@/?:'.includes(char)
    return part !== 'fragment'
  }
  return !(part === 'fragment' && '!()*'.includes(char))
}
