import { MappingError } from '../../errors.ts'
import { compileRe2 } from '../../text/re2/re2.ts'
import { parseUrl } from '../../text/url.ts'
import { isIP } from 'node:net'
import { parseTime } from '../time/parse.ts'

/** Whether a text has a named format. Unknown formats accept everything; known ones never accept numbers. */
export function hasFormat(format: string, text: string | null): boolean {
  const check = CHECKS[format]
  if (check === undefined || !Object.hasOwn(CHECKS, format)) return true
  return text !== null && check(text)
}

const HOSTNAME =
  /^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]))*$/
const UUID = /^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/
const JSON_POINTER = /^(?:\/(?:[^~/]|~0|~1)*)*$/
const RELATIVE_JSON_POINTER = /^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^~/]|~0|~1)*)*)$/
/** Braces must be balanced. */
const URI_TEMPLATE = /^(?:[^{]|\{[^}]*\})*$/

const isUri = (text: string) => !text.includes('\\') && succeeds(() => parseUrl(text)) && parseUrl(text).scheme !== ''
const isUriReference = (text: string) => !text.includes('\\') && succeeds(() => parseUrl(text))

const CHECKS: Readonly<Record<string, (text: string) => boolean>> = {
  date: text => hasLayout(text, '2006-01-02'),
  time: text => hasLayout(text, '15:04:05Z07:00') || hasLayout(text, '15:04:05'),
  'date-time': text =>
    ['15:04:05', '15:04:05Z07:00', '2006-01-02', '2006-01-02T15:04:05Z07:00'].some(layout => hasLayout(text, layout)),
  hostname: text => text.length < 256 && HOSTNAME.test(text),
  email: isEmail,
  'idn-email': isEmail,
  ipv4: text => isIP(text) !== 0 && text.includes('.'),
  ipv6: text => isIP(text) === 6 && !text.includes('%'),
  uri: isUri,
  'uri-reference': isUriReference,
  iri: isUri,
  'iri-reference': isUriReference,
  'uri-template': text => isUriReference(text) && URI_TEMPLATE.test(parseUrl(text).path),
  uuid: text => UUID.test(text),
  regex: text => text === '' || succeeds(() => compileRe2(text)),
  'json-pointer': text => JSON_POINTER.test(text),
  'relative-json-pointer': text => RELATIVE_JSON_POINTER.test(text),
}

function hasLayout(text: string, layout: string): boolean {
  return succeeds(() => parseTime(layout, text))
}

/** An address of RFC 5322: `a@b`, `"a b"@c`, `Name <a@b>`. */
function isEmail(text: string): boolean {
  const angled = /^[^<>]*<([^<>]+)>\s*$/.exec(text.trim())
  const address = angled === null ? text.trim() : angled[1]!
  const atom = /^[^\s()<>[\]:;@\\,."]+(\.[^\s()<>[\]:;@\\,."]+)*$/
  const at = address.lastIndexOf('@')
  if (at < 1) return false
  const local = address.slice(0, at)
  const domain = address.slice(at + 1)
  const localFits = atom.test(local) || /^"(?:[^"\\]|\\.)*"$/.test(local)
  return localFits && (atom.test(domain) || /^\[[^\]\s]+\]$/.test(domain))
}

function succeeds(step: () => unknown): boolean {
  try {
    step()
    return true
  } catch (error) {
    if (error instanceof MappingError) return false
    throw error
  }
}
