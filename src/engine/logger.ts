import type { Log, LogFields, LogLevel } from '../base/index.ts'

/** The parts of a `logger` block that determine how lines look. */
export interface LogFormat {
  readonly level: string
  readonly format: string
  readonly add_timestamp: boolean
  readonly level_name: string
  readonly timestamp_name: string
  readonly message_name: string
  readonly static_fields: Readonly<Record<string, string>>
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { fatal: 1, error: 2, warn: 3, info: 4, debug: 5, trace: 6 }
const WRITTEN: Readonly<Record<LogLevel, string>> = {
  fatal: 'fatal',
  error: 'error',
  warn: 'warning',
  info: 'info',
  debug: 'debug',
  trace: 'trace',
}

/** The severity up to which lines are written, by level name; unknown names mean `info`. */
export function severityOf(level: string): number {
  switch (level.toUpperCase()) {
    case 'OFF':
    case 'NONE':
      return 0
    case 'ALL':
      return SEVERITY.trace
    default:
      // An unknown level counts as info.
      return SEVERITY[level.toLowerCase() as LogLevel] ?? SEVERITY.info
  }
}

/** A log that writes lines as logfmt or JSON. `now` returns the time for each line, in milliseconds since 1970. */
export function createLog(format: LogFormat, write: (line: string) => void, now: () => number): Log {
  const limit = severityOf(format.level)
  return makeLog(limit, format.static_fields, (level, message, fields) => {
    const time = format.add_timestamp ? new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z') : undefined
    write(
      format.format.toLowerCase() === 'json'
        ? jsonLine(format, level, message, fields, time)
        : logfmtLine(format, level, message, fields, time),
    )
  })
}

/** A log that passes each line up to the severity `limit` to a function. */
export function makeLog(
  limit: number,
  fields: LogFields,
  write: (level: LogLevel, message: string, fields: LogFields) => void,
): Log {
  const log = (level: LogLevel, message: string, more?: LogFields) => {
    if (SEVERITY[level] <= limit) write(level, message, more === undefined ? fields : { ...fields, ...more })
  }
  return {
    log,
    fatal: (message, more) => log('fatal', message, more),
    error: (message, more) => log('error', message, more),
    warn: (message, more) => log('warn', message, more),
    info: (message, more) => log('info', message, more),
    debug: (message, more) => log('debug', message, more),
    trace: (message, more) => log('trace', message, more),
    enabled: level => SEVERITY[level] <= limit,
    with: more => makeLog(limit, { ...fields, ...more }, write),
  }
}

type Line = readonly [key: string, value: unknown][]

function jsonLine(
  format: LogFormat,
  level: LogLevel,
  message: string,
  fields: LogFields,
  time: string | undefined,
): string {
  const line: Record<string, unknown> = {}
  for (const [key, value] of clashFree(format, fields)) line[key] = value
  line[format.level_name] = WRITTEN[level]
  line[format.message_name] = message
  if (time !== undefined) line[format.timestamp_name] = time
  const sorted = Object.fromEntries(Object.entries(line).toSorted(([left], [right]) => (left < right ? -1 : 1)))
  return `${JSON.stringify(sorted, plainJson).replace(/[<>&\u2028\u2029]/g, escapeUnicode)}\n`
}

function logfmtLine(
  format: LogFormat,
  level: LogLevel,
  message: string,
  fields: LogFields,
  time: string | undefined,
): string {
  const line: [string, unknown][] = []
  if (time !== undefined) line.push([format.timestamp_name, time])
  line.push([format.level_name, WRITTEN[level]], [format.message_name, message])
  const sorted = [...clashFree(format, fields)].toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `${[...line, ...sorted].map(([key, value]) => `${key}=${logfmtValue(value)}`).join(' ')}\n`
}

/** Prefixes fields whose names the line itself uses. */
function clashFree(format: LogFormat, fields: LogFields): Line {
  const taken = [format.level_name, format.message_name, format.timestamp_name]
  return Object.entries(fields).map(([key, value]) => [taken.includes(key) ? `fields.${key}` : key, value])
}

function logfmtValue(value: unknown): string {
  const text = plainText(value)
  return text !== '' && /^[a-zA-Z0-9\-._/@^+]*$/.test(text) ? text : quoteGo(text)
}

/** Formats lists and objects as the original does: `[a b]`, `map[key:value]`. */
function plainText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value !== 'object') return String(value)
  if (value instanceof Error) return value.message
  if (Array.isArray(value)) return `[${value.map(plainText).join(' ')}]`
  if ('rawJSON' in value) return String(value.rawJSON)
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `map[${entries.map(([key, child]) => `${key}:${plainText(child)}`).join(' ')}]`
}

function quoteGo(text: string): string {
  let quoted = ''
  for (const char of text) {
    const code = char.codePointAt(0)!
    if (char === '"' || char === '\\') quoted += `\\${char}`
    else if (char === '\n') quoted += '\\n'
    else if (char === '\t') quoted += '\\t'
    else if (char === '\r') quoted += '\\r'
    else if (code === 7) quoted += '\\a'
    else if (code === 8) quoted += '\\b'
    else if (code === 11) quoted += '\\v'
    else if (code === 12) quoted += '\\f'
    else if (code < 32 || code === 127) quoted += `\\x${code.toString(16).padStart(2, '0')}`
    else quoted += char
  }
  return `"${quoted}"`
}

function escapeUnicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function plainJson(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message
  return typeof value === 'bigint' ? Number(value) : value
}
