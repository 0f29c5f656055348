import { quote } from './quote.ts'

/**
 * The error of Go's `netip.ParseAddr` for an invalid IP address; null if it is valid. Positions are given as the rest
 * of the text.
 */
export function addressFault(text: string): string | null {
  const kind = /[.:%]/.exec(text)?.[0]
  const fault =
    kind === '.'
      ? faultOf4(text)
      : kind === ':'
        ? faultOf6(text)
        : kind === '%'
          ? 'missing IPv6 address'
          : 'unable to parse IP'
  return fault === null ? null : `ParseAddr(${quote(text)}): ${fault}`
}

/** The error in a dotted IPv4 address. */
function faultOf4(text: string): string | null {
  let fields = 1
  let field = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (/[0-9]/.test(character)) {
      if (field === '0') return 'IPv4 field has octet with leading zero'
      field += character
      if (Number(field) > 255) return 'IPv4 field has value >255'
    } else if (character === '.') {
      if (field === '' || i === text.length - 1) return at('IPv4 field must have at least one digit', text.slice(i))
      if (fields++ === 4) return 'IPv4 address too long'
      field = ''
    } else {
      return at('unexpected character', text.slice(i))
    }
  }
  return fields < 4 ? 'IPv4 address too short' : null
}

/** The error in an IPv6 address with or without a zone. */
function faultOf6(text: string): string | null {
  const percent = text.indexOf('%')
  if (percent === text.length - 1) return 'zone must be a non-empty string'
  let rest = percent < 0 ? text : text.slice(0, percent)
  let groups = 0
  let isShortened = rest.startsWith('::')
  if (isShortened) rest = rest.slice(2)
  while (rest !== '' && groups < 8) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)![0]
    if (digits.length > 4) return at('each group must have 4 or less digits', rest)
    if (digits === '') return at('each colon-separated field must have at least one digit', rest)
    if (rest[digits.length] === '.') {
      if (!isShortened && groups !== 6) {
        return at('embedded IPv4 address must replace the final 2 fields of the address', rest)
      }
      if (groups > 6) return at('too many hex fields to fit an embedded IPv4 at the end of the address', rest)
      const fault = faultOf4(rest)
      if (fault !== null) return fault
      groups += 2
      rest = ''
      break
    }
    groups++
    rest = rest.slice(digits.length)
    if (rest === '') break
    if (rest[0] !== ':') return at('unexpected character, want colon', rest)
    if (rest === ':') return at('colon must be followed by more characters', rest)
    rest = rest.slice(1)
    if (rest[0] === ':') {
      if (isShortened) return at('multiple :: in address', rest)
      isShortened = true
      rest = rest.slice(1)
    }
  }
  if (rest !== '') return at('trailing garbage after address', rest)
  if (groups < 8) return isShortened ? null : 'address string too short'
  return isShortened ? 'the :: must expand to at least one field of zeros' : null
}

function at(fault: string, rest: string): string {
  return `${fault} (at ${quote(rest)})`
}
