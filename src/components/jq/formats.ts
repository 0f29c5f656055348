import { isArray, JqError, type Json, jsonText, preview, typedPreview } from './json.ts'

/**
 * Formats a value, for example as `@csv`. Throws `JqError` if the format does not exist or cannot represent the value.
 */
export function formatted(format: string, value: Json): string {
  switch (format) {
    case '@text':
      return textOf(value)
    case '@json':
      return jsonText(value)
    case '@html':
      return textOf(value).replaceAll(/[<>&'"]/g, character => HTML[character]!)
    case '@uri':
      return encodeQuery(textOf(value))
    case '@urid':
      return decodeQuery(textOf(value), value)
    case '@csv':
      return rowOf('csv', value, ',', text => `"${text.replaceAll('"', '""').replaceAll('\0', '\\0')}"`)
    case '@tsv':
      return rowOf('tsv', value, '\t', text => text.replaceAll(/[\t\r\n\\\0]/g, character => TSV[character]!))
    case '@sh':
      return rowOf('sh', isArray(value) ? value : [value], ' ', quotedForShell)
    case '@base64':
      return Buffer.from(textOf(value)).toString('base64')
    case '@base64d':
      return decodeBase64(textOf(value), value)
    default:
      throw new JqError(`format not defined: ${format}`)
  }
}

const HTML: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&apos;', '"': '&quot;' }
const TSV: Readonly<Record<string, string>> = { '\t': '\\t', '\r': '\\r', '\n': '\\n', '\\': '\\\\', '\0': '\\0' }

function textOf(value: Json): string {
  return typeof value === 'string' ? value : jsonText(value)
}

function rowOf(format: string, value: Json, separator: string, escape: (text: string) => string): string {
  if (!isArray(value)) throw new JqError(`@${format} cannot be applied to: ${typedPreview(value)}`)
  const cells = value.map(cell => {
    if (typeof cell === 'string') return escape(cell)
    if (cell === null) return format === 'sh' ? 'null' : ''
    if (typeof cell === 'object')
      throw new JqError(`@${format} cannot format an array including: ${typedPreview(cell)}`)
    return jsonText(cell)
  })
  return cells.join(separator)
}

function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''").replaceAll('\0', '\\0')}'`
}

function encodeQuery(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed())
  return encoded
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function decodeQuery(text: string, value: Json): string {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)
  if (bad !== null) {
    throw new JqError(`@urid cannot be applied to ${preview(value)}: invalid URL escape ${JSON.stringify(bad[0])}`)
  }
  const bytes = Buffer.from(text.replaceAll('+', ' ')).toString('latin1')
  return Buffer.from(
    bytes.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8')
}

function decodeBase64(text: string, value: Json): string {
  const [digits] = text.split('=', 1) as [string] // splitting yields at least one part
  const bad = digits.search(/[^A-Za-z0-9+/\r\n]/)
  if (bad >= 0 || digits.length % 4 === 1) {
    const at = bad >= 0 ? bad : digits.length - 1
    throw new JqError(`@base64d cannot be applied to ${preview(value)}: illegal base64 data at input byte ${at}`)
  }
  return Buffer.from(digits, 'base64').toString('utf8')
}
