/** HTML escaping, and removal of tags. */
import { HTML_ENTITIES } from './html-entities.ts'

/** The characters that references to codes 80 to 9F stand for, as in Windows-1252. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'
/** The length of the longest name recognized without a semicolon. */
const LONGEST_BARE_NAME = 6

let named: Map<string, string> | undefined

/** Escapes the five special characters of HTML. */
export function escapeHtml(text: string): string {
  let out = ''
  let from = 0
  for (let at = text.search(SPECIAL); at >= 0 && at < text.length; at++) {
    const escape = escapeOf(text.charCodeAt(at))
    if (escape === '') continue
    out += text.slice(from, at) + escape
    from = at + 1
  }
  return from === 0 ? text : out + text.slice(from)
}

const SPECIAL = /[&'<>"]/

function escapeOf(code: number): string {
  switch (code) {
    case 0x22:
      return '&#34;'
    case 0x26:
      return '&amp;'
    case 0x27:
      return '&#39;'
    case 0x3c:
      return '&lt;'
    case 0x3e:
      return '&gt;'
    default:
      return ''
  }
}

/**
 * Replaces character references by their characters; anything else is unchanged. Go's two HTML packages disagree about
 * short numeric references: only the document parser accepts `&#5x`.
 */
export function unescapeHtml(text: string, isDocument = false): string {
  let at = text.indexOf('&')
  if (at < 0) return text
  let out = ''
  let from = 0
  while (at >= 0) {
    const end = referenceEnd(text, at)
    if (end > at + 1) {
      const isNumber = text.charCodeAt(at + 1) === NUMBER_SIGN
      const meaning = isNumber ? numeric(text.slice(at, end), isDocument) : reference(text.slice(at + 1, end))
      out += text.slice(from, at) + meaning
      from = end
    }
    at = text.indexOf('&', end)
  }
  return out + text.slice(from)
}

const NUMBER_SIGN = 0x23
const SEMICOLON = 0x3b

/** The end of the letters, digits and semicolon after an ampersand. */
function referenceEnd(text: string, start: number): number {
  let at = start + 1
  if (text.charCodeAt(at) === NUMBER_SIGN) {
    at++
    if ((text.charCodeAt(at) | 0x20) === 0x78) at++
    while (isHexDigit(text.charCodeAt(at))) at++
  } else {
    while (isLetterOrDigit(text.charCodeAt(at))) at++
    if (at === start + 1) return at
  }
  return text.charCodeAt(at) === SEMICOLON ? at + 1 : at
}

function isLetterOrDigit(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a)
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function numeric(match: string, isDocument: boolean): string {
  const start = (match.charCodeAt(2) | 0x20) === 0x78 ? 3 : 2
  let end = start
  while (start === 3 ? isHexDigit(match.charCodeAt(end)) : isDigit(match.charCodeAt(end))) end++
  const used = match.slice(start, end)
  if (match.charCodeAt(end) === SEMICOLON) end++
  // A reference needs at least three characters after the ampersand and number sign.
  const isShort = isDocument ? used === '' : end <= 3
  if (isShort || (start === 2 && used === '')) return match
  return decodeNumber(used, start === 2 ? 10 : 16) + match.slice(end)
}

function decodeNumber(digits: string, base: number): string {
  let code = digits.length < 8 ? Number.parseInt(digits, base) || 0 : 0
  // Wraps around at 32 bits, like the original.
  if (digits.length >= 8) {
    for (const digit of digits) code = (Math.imul(code, base) + Number.parseInt(digit, base)) | 0
  }
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252[code - 0x80]!
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff || code < 0) return '\ufffd'
  return String.fromCodePoint(code)
}

/** The character of a name, with or without a semicolon, or of its longest prefix that is recognized without one. */
function reference(name: string): string {
  const table = entities()
  const whole = table.get(name)
  if (whole !== undefined) return whole
  for (let length = Math.min(name.length - 1, LONGEST_BARE_NAME); length > 1; length--) {
    const bare = table.get(name.slice(0, length))
    if (bare !== undefined) return bare + name.slice(length)
  }
  return `&${name}`
}

function entities(): Map<string, string> {
  if (named !== undefined) return named
  named = new Map()
  for (const entry of HTML_ENTITIES.trim().split(' ')) {
    const [, name = '', mark, codes = ''] = /^(.+?)([=!])(.+)$/.exec(entry)!
    const text = codes
      .split('+')
      .map(code => String.fromCodePoint(Number.parseInt(code, 16)))
      .join('')
    named.set(`${name};`, text)
    if (mark === '!') named.set(name, text)
  }
  return named
}

/** Elements whose text is not visible; they are removed with their content. */
const HIDDEN_CONTENT = new Set(
  'frame frameset iframe noembed noframes noscript nostyle object script style title'.split(' '),
)
/** Elements that are valid without attributes. Others lose their tags even if they are to be preserved. */
const BARE_ELEMENTS = new Set(
  (
    'abbr acronym address article aside audio b bdi blockquote body br button canvas caption center cite code col colgroup ' +
    'datalist dd del details dfn div dl dt em fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 head header hgroup hr html i ' +
    'ins kbd li mark marquee nav ol optgroup option p picture pre q rp rt ruby s samp script section select small span strike ' +
    'strong style sub summary sup svg table tbody td textarea tfoot th thead title time tr tt u ul var video wbr'
  ).split(' '),
)
/** Elements whose content is plain text up to the end tag. */
const RAW_TEXT = new Set('iframe noembed noframes noscript script style textarea title xmp'.split(' '))

interface Tag {
  readonly kind: 'start' | 'end' | 'selfClosing'
  readonly name: string
}

/** Removes all tags, comments and hidden content; elements named in `preserve` keep their tags, without attributes. */
export function stripHtml(html: string, preserve: readonly string[] = []): string {
  const kept = new Set(preserve.map(name => name.toLowerCase()))
  const closingToSkip: string[] = []
  let out = ''
  let hiddenDepth = 0
  let hidden = false
  let lastStarted = ''
  for (const token of tokens(html)) {
    if (typeof token === 'string') {
      if (!hidden && lastStarted !== 'script' && lastStarted !== 'style') out += escapeText(token)
      continue
    }
    const { kind, name } = token
    if (kind === 'start') lastStarted = name
    if (kind === 'end' && lastStarted === name) lastStarted = ''
    if (name === 'script' || name === 'style') continue
    if (kind === 'end' && closingToSkip.at(-1) === name) {
      closingToSkip.pop()
      continue
    }
    if (!kept.has(name)) {
      if (!HIDDEN_CONTENT.has(name) || kind === 'selfClosing') continue
      hiddenDepth += kind === 'start' ? 1 : -1
      if (kind === 'start') hidden = true
      else if (hiddenDepth === 0) hidden = false
      continue
    }
    if (kind !== 'end' && !BARE_ELEMENTS.has(name)) {
      if (kind === 'start') closingToSkip.push(name)
      continue
    }
    if (!hidden) out += kind === 'end' ? `</${name}>` : kind === 'start' ? `<${name}>` : `<${name}/>`
  }
  return out
}

function escapeText(text: string): string {
  return escapeHtml(text).replaceAll('\r', '&#13;')
}

/** Decoded texts and tags in order; comments and declarations are omitted. */
function* tokens(html: string): Generator<string | Tag> {
  let at = 0
  let textStart = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open < 0) break
    const next = html[open + 1] ?? ''
    if (!/[A-Za-z/!?]/.test(next)) {
      at = open + 1
      continue
    }
    if (next === '/' && open + 2 >= html.length) break
    if (open > textStart) yield decoded(html.slice(textStart, open))
    if (/[A-Za-z]/.test(next) || (next === '/' && /[A-Za-z]/.test(html[open + 2] ?? ''))) {
      const tag = readTag(html, open + (next === '/' ? 2 : 1))
      // An unterminated tag consumes the rest.
      if (tag === undefined) return
      yield { kind: next === '/' ? 'end' : tag.selfClosing ? 'selfClosing' : 'start', name: tag.name }
      at = textStart = tag.end
      if (next === '/') continue
      if (tag.name === 'plaintext') {
        yield newlines(html.slice(at)).replaceAll('\0', '\ufffd')
        return
      }
      if (!RAW_TEXT.has(tag.name)) continue
      const end = rawEnd(html, at, tag.name)
      const raw = newlines(html.slice(at, end)).replaceAll('\0', '\ufffd')
      if (raw !== '') yield tag.name === 'textarea' || tag.name === 'title' ? unescapeHtml(raw, true) : raw
      at = textStart = end
      continue
    }
    at = textStart = declarationEnd(html, open)
  }
  if (textStart < html.length) yield decoded(html.slice(textStart))
}

function decoded(text: string): string {
  return unescapeHtml(newlines(text), true)
}

function newlines(text: string): string {
  return text.replace(/\r\n?/g, '\n')
}

/** Parses a tag, starting at its name. Undefined if the text ends first. */
function readTag(html: string, start: number): { name: string; selfClosing: boolean; end: number } | undefined {
  const nameEnd = start + /^[^\s/>]*/.exec(html.slice(start, start + 256))![0].length
  const stop = nameEnd < start + 256 ? nameEnd : start + html.slice(start).search(/[\s/>]|$/)
  const name = html.slice(start, stop).replaceAll('\0', '\ufffd').toLowerCase()
  let at = stop
  let lastValueEnd = -1
  for (;;) {
    at = skipSpace(html, at)
    if (at >= html.length) return undefined
    if (html[at] === '>') break
    const attribute = readAttribute(html, at)
    lastValueEnd = attribute.valueEnd
    at = attribute.end
  }
  return { name, selfClosing: html[at - 1] === '/' && at !== lastValueEnd, end: at + 1 }
}

function readAttribute(html: string, start: number): { valueEnd: number; end: number } {
  let at = start
  while (at < html.length && !/[\s/>]/.test(html[at]!) && (html[at] !== '=' || at === start)) at++
  const keyed = at > start
  at = skipSpace(html, at)
  if (html[at] === '/') return { valueEnd: -1, end: at + 1 }
  if (html[at] !== '=') return { valueEnd: -1, end: at }
  at = skipSpace(html, at + 1)
  const mark = html[at]
  if (mark === '>') return { valueEnd: -1, end: at }
  if (mark === '"' || mark === "'") {
    const close = html.indexOf(mark, at + 1)
    return { valueEnd: -1, end: close < 0 ? html.length : close + 1 }
  }
  while (at < html.length && !/[\s>]/.test(html[at]!)) at++
  return { valueEnd: keyed ? at : -1, end: at }
}

function skipSpace(html: string, start: number): number {
  let at = start
  while (at < html.length && ' \n\r\t\f'.includes(html[at]!)) at++
  return at
}

function rawEnd(html: string, start: number, name: string): number {
  const close = new RegExp(`</${name}[ \\n\\r\\t\\f/>]`, 'gi')
  close.lastIndex = start
  return close.exec(html)?.index ?? html.length
}

/** The end of a comment, doctype or bogus comment. */
function declarationEnd(html: string, open: number): number {
  if (html.startsWith('<!--', open)) {
    const short = /^<!--(?:-?>)/.exec(html.slice(open, open + 7))
    if (short !== null) return open + short[0].length
    const close = /--!?>/g
    close.lastIndex = open + 4
    return close.exec(html) === null ? html.length : close.lastIndex
  }
  const close = html.indexOf('>', open)
  return close < 0 ? html.length : close + 1
}
