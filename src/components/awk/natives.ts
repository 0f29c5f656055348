import { messageOf } from '../../base/index.ts'
import {
  Float,
  formatLayout,
  type Host,
  isObject,
  JsonNumber,
  parseTime,
  printJson,
  textOfMetadata,
  Timestamp,
  Uint64,
  type Value,
} from '../../bloblang/index.ts'
import type { Message } from '../../engine/index.ts'
import type { Log } from '../../base/index.ts'
import { partsOf, valueAt, withAppended, withoutValueAt, withValueAt } from './document.ts'
import type { Native } from './machine.ts'
import { AwkError, integerOf, isTrue, type Scalar, toNumber, toText } from './values.ts'

/** The message that a program works on; `message` is its state after the functions called so far. */
export interface Subject {
  message: Message
}

type Functions = Readonly<Record<string, Native>>

/** The names of the predefined functions. */
export const nativeNames: ReadonlySet<string> = new Set([
  'base64_decode',
  'base64_encode',
  'create_json_array',
  'create_json_object',
  'json_append',
  'json_append_bool',
  'json_append_float',
  'json_append_int',
  'json_delete',
  'json_get',
  'json_length',
  'json_set',
  'json_set_bool',
  'json_set_float',
  'json_set_int',
  'json_type',
  'metadata_get',
  'metadata_set',
  'print_log',
  'timestamp_format',
  'timestamp_format_nano',
  'timestamp_unix',
  'timestamp_unix_nano',
])

/** Creates the predefined functions for one message. */
export function nativesFor(subject: Subject, host: Host, log: Log): Functions {
  return {
    ...jsonFunctions(subject),
    ...metadataFunctions(subject),
    ...textFunctions(log),
    ...timeFunctions(host),
    ...randomFunctions(host),
  }
}

const text = (value: Scalar) => toText(value, '%.6g')

function documentOf({ message }: Subject): Value {
  try {
    return message.structured()
  } catch (error) {
    throw new AwkError(`failed to parse message into json: ${messageOf(error)}`)
  }
}

function jsonFunctions(subject: Subject): Functions {
  const change = (
    edit: (document: Value, path: readonly string[], value: Value) => Value,
    as: (value: Scalar) => Value,
  ): Native => {
    return ([path, value]) => {
      subject.message = subject.message.withDocument(edit(documentOf(subject), partsOf(text(path)), as(value)))
      return 0
    }
  }
  const bool = (value: Scalar) => isTrue(value)
  const float = (value: Scalar) => new Float(toNumber(value))
  return {
    json_get: ([path]) => {
      const found = valueAt(documentOf(subject), partsOf(text(path))) ?? null
      return typeof found === 'string' ? found : printJson(found, { escapeHtml: true })
    },
    json_set: change(withValueAt, text),
    json_set_int: change(withValueAt, integerOf),
    json_set_float: change(withValueAt, float),
    json_set_bool: change(withValueAt, bool),
    json_append: change(withAppended, text),
    json_append_int: change(withAppended, integerOf),
    json_append_float: change(withAppended, float),
    json_append_bool: change(withAppended, bool),
    json_delete: change(withoutValueAt, () => null),
    json_length: ([path]) => {
      const found = valueAt(documentOf(subject), partsOf(text(path)))
      if (typeof found === 'string') return Buffer.byteLength(found)
      return Array.isArray(found) ? found.length : 0
    },
    json_type: ([path]) => typeName(valueAt(documentOf(subject), partsOf(text(path)))),
  }
}

function typeName(value: Value | undefined): string {
  if (value === undefined) return 'undefined'
  if (value === null) return 'null'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint' || value instanceof Uint64) return 'int'
  if (typeof value === 'number' || value instanceof Float || value instanceof JsonNumber) return 'float'
  if (Array.isArray(value)) return 'array'
  if (isObject(value)) return 'object'
  throw new AwkError('type not recognised')
}

function metadataFunctions(subject: Subject): Functions {
  return {
    metadata_get: ([key]) => {
      const value = subject.message.metadata.get(text(key))
      return value === undefined ? '' : textOfMetadata(value)
    },
    metadata_set: ([key, value]) => {
      subject.message = subject.message.withMeta(text(key), text(value))
      return ''
    },
  }
}

function textFunctions(log: Log): Functions {
  return {
    create_json_object: values => {
      const pairs: [string, Value][] = []
      for (let at = 0; at < values.length - 1; at += 2) pairs.push([text(values[at]), text(values[at + 1])])
      return printJson(Object.fromEntries(pairs), { escapeHtml: true })
    },
    create_json_array: values => printJson(values.map(text), { escapeHtml: true }),
    base64_encode: ([value]) => Buffer.from(text(value)).toString('base64'),
    base64_decode: ([value]) => {
      const encoded = text(value).replaceAll(/[\r\n]/g, '')
      const bad = encoded.search(/[^A-Za-z0-9+/=]/)
      if (bad >= 0 || encoded.length % 4 !== 0) {
        throw new AwkError(`illegal base64 data at input byte ${bad >= 0 ? bad : encoded.length}`)
      }
      return Buffer.from(encoded, 'base64').toString('utf8')
    },
    print_log: ([message, level]) => {
      logAt(log, text(level), text(message))
      return ''
    },
  }
}

function logAt(log: Log, level: string, message: string): void {
  switch (level) {
    case 'TRACE':
      return log.trace(message)
    case 'DEBUG':
      return log.debug(message)
    case 'WARN':
      return log.warn(message)
    case 'ERROR':
    case 'FATAL':
      return log.error(message)
    default:
      return log.info(message)
  }
}

const RFC3339 = '2006-01-02T15:04:05Z07:00'

/** The recognised time formats, in the order in which they are tried. */
const LAYOUTS = [
  'Mon Jan 02 15:04:05 -0700 2006',
  'Mon, 02 Jan 2006 15:04:05 -0700',
  'Mon, 02 Jan 2006 15:04:05 MST',
  RFC3339,
  '02 Jan 06 15:04 MST',
  '02 Jan 06 15:04 -0700',
  'Mon, 2 Jan 2006 15:04:05 -0700',
  '2006-01-02T15:04:05MST',
  '2006-01-02T15:04:05',
  '2006-01-02 15:04:05',
  '2006-01-02T15:04:05Z0700',
  '2006-01-02',
]

function timeFunctions(host: Host): Functions {
  const nanos = (date: Scalar, layout: Scalar): bigint => {
    if (text(date) === '') return host.now()
    return (text(layout) === '' ? detected(text(date)) : parsed(text(layout), text(date))).unixNanos
  }
  const print = (at: bigint, layout: Scalar) =>
    formatLayout(new Timestamp(at, { name: 'UTC' }), text(layout) || RFC3339)
  return {
    timestamp_unix: ([date, layout]) => {
      const at = nanos(date, layout)
      return Number((at - (((at % NANOS) + NANOS) % NANOS)) / NANOS)
    },
    timestamp_unix_nano: ([date, layout]) => Number(nanos(date, layout)),
    timestamp_format: ([seconds, layout]) => print(integerOf(seconds) * NANOS, layout),
    timestamp_format_nano: ([at, layout]) => print(integerOf(at), layout),
  }
}

const NANOS = 1_000_000_000n

function detected(date: string): Timestamp {
  for (const layout of LAYOUTS) {
    try {
      return parseTime(layout, date)
    } catch {
      // The next layout may match.
    }
  }
  throw new AwkError(`failed to detect datetime format of: ${date}`)
}

function parsed(layout: string, date: string): Timestamp {
  try {
    return parseTime(layout, date)
  } catch (error) {
    throw new AwkError(messageOf(error))
  }
}

function randomFunctions(host: Host): Functions {
  return { _random: () => host.random(), _seed: () => 0 }
}
