import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import {
  compileRe2,
  Float,
  formatLayout,
  getOwn,
  isObject,
  parseJson,
  parseTime,
  printJson,
  setOwn,
  Timestamp,
  type Value,
  type ValueObject,
  isArray,
} from '../../bloblang/index.ts'
import type { ComponentHost } from '../../engine/index.ts'
import type { TemplateFunction } from './execute.ts'
import { goText, isTrue, keysOf, numberOf, typeName } from './values.ts'

/** Limit on the characters of a repeated string, and on the items of a list of numbers. */
const MAX_SIZE = 1_000_000

/** Sprig functions that are known but not implemented: they create keys and certificates, or resolve host names. */
export const MISSING: ReadonlySet<string> = new Set(
  'bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES getHostByName semver semverCompare'.split(
    ' ',
  ),
)

/** The functions of [Sprig](https://masterminds.github.io/sprig/). */
export function sprigFunctions(host: ComponentHost): Readonly<Record<string, TemplateFunction>> {
  const now = () => new Timestamp(host.now(), { name: 'Local' })
  const timeOf = (value: Value): Timestamp => {
    if (value instanceof Timestamp) return value
    const seconds = numberOf(value)
    return seconds === undefined ? now() : new Timestamp(BigInt(seconds) * 1_000_000_000n, { name: 'Local' })
  }
  const random = (count: Value, alphabet: string) =>
    Array.from(host.randomBytes(size(count)), byte => alphabet[byte % alphabet.length]).join('')
  const variable = (name: string) => {
    const refusal = host.refusal?.('environment', name)
    if (refusal !== undefined) throw new Error(refusal)
    return host.env(name) ?? ''
  }
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const digits = '0123456789'
  return {
    ...texts,
    ...numbers,
    ...lists,
    ...objects,
    ...others,
    now: () => now(),
    date: (layout, time) => formatLayout(timeOf(time ?? null), text(layout)),
    ...aliases(['dateInZone', 'date_in_zone'], (layout, time, zone) =>
      formatLayout(new Timestamp(timeOf(time ?? null).unixNanos, { name: text(zone) || 'UTC' }), text(layout)),
    ),
    htmlDate: time => formatLayout(timeOf(time ?? null), '2006-01-02'),
    htmlDateInZone: (time, zone) =>
      formatLayout(new Timestamp(timeOf(time ?? null).unixNanos, { name: text(zone) || 'UTC' }), '2006-01-02'),
    ...aliases(['dateModify', 'date_modify', 'mustDateModify', 'must_date_modify'], (change, time) => {
      const from = timeOf(time ?? null)
      return new Timestamp(from.unixNanos + durationNanos(text(change)), from.zone)
    }),
    ...aliases(['toDate', 'mustToDate'], (layout, value) => parseTime(text(layout), text(value))),
    unixEpoch: time => String(timeOf(time ?? null).unixNanos / 1_000_000_000n),
    ago: time => durationText(((host.now() - timeOf(time ?? null).unixNanos) / 1_000_000_000n) * 1_000_000_000n),
    duration: seconds => durationText(BigInt(integer(seconds ?? null)) * 1_000_000_000n),
    randAlphaNum: count => random(count ?? null, letters + digits),
    randAlpha: count => random(count ?? null, letters),
    randNumeric: count => random(count ?? null, digits),
    randAscii: count =>
      random(count ?? null, Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')),
    randBytes: count => Buffer.from(host.randomBytes(size(count ?? null))).toString('base64'),
    randInt: (low, high) => {
      const [from, to] = [integer(low ?? null), integer(high ?? null)]
      if (to <= from) throw new Error('invalid argument to Intn')
      return (
        from + BigInt(Math.floor((Buffer.from(host.randomBytes(6)).readUIntBE(0, 6) / 2 ** 48) * Number(to - from)))
      )
    },
    shuffle: value => {
      const chars = [...text(value)]
      const bytes = host.randomBytes(chars.length * 2)
      for (let i = chars.length - 1; i > 0; i--) {
        const j = (bytes[i * 2]! * 256 + bytes[i * 2 + 1]!) % (i + 1)
        ;[chars[i], chars[j]] = [chars[j]!, chars[i]!]
      }
      return chars.join('')
    },
    uuidv4: () => {
      const bytes = Buffer.from(host.randomBytes(16))
      bytes[6] = (bytes[6]! & 15) | 64
      bytes[8] = (bytes[8]! & 63) | 128
      return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    },
    env: name => variable(text(name)),
    expandenv: value =>
      text(value).replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) =>
        variable(braced ?? bare!),
      ),
  }
}

const texts: Readonly<Record<string, TemplateFunction>> = {
  hello: () => 'Hello!',
  trim: value => text(value).trim(),
  upper: value => text(value).toUpperCase(),
  lower: value => text(value).toLowerCase(),
  title: value =>
    text(value).replaceAll(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  untitle: value =>
    text(value).replaceAll(/(^|\s)(\p{L})/gu, (_, before: string, letter: string) => before + letter.toLowerCase()),
  repeat: (count, value) => {
    if (BigInt(Math.max(0, Number(integer(count ?? null)))) * BigInt(text(value).length) > MAX_SIZE)
      throw new Error('the repeated text is too long')
    return text(value).repeat(Math.max(0, Number(integer(count ?? null))))
  },
  substr: (start, end, value) => {
    const [from, to, all] = [Number(integer(start ?? null)), Number(integer(end ?? null)), text(value)]
    if (from < 0) return all.slice(0, Math.max(0, to))
    return to < 0 || to > all.length ? all.slice(from) : all.slice(from, to)
  },
  trunc: (count, value) => {
    const [length, all] = [Number(integer(count ?? null)), text(value)]
    if (length < 0 && all.length + length > 0) return all.slice(all.length + length)
    return length >= 0 && all.length > length ? all.slice(0, length) : all
  },
  abbrev: (width, value) => {
    const [most, all] = [Number(integer(width ?? null)), text(value)]
    return most < 4 || all.length <= most ? all : `${all.slice(0, most - 3)}...`
  },
  ...aliases(['trimAll', 'trimall'], (cut, value) => trimmed(text(value), text(cut))),
  trimSuffix: (suffix, value) =>
    text(suffix) !== '' && text(value).endsWith(text(suffix))
      ? text(value).slice(0, -text(suffix).length)
      : text(value),
  trimPrefix: (prefix, value) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : text(value),
  nospace: value => text(value).replaceAll(/\s/g, ''),
  initials: value =>
    text(value)
      .split(/\s+/)
      .map(word => word.slice(0, 1))
      .join(''),
  swapcase: value =>
    [...text(value)].map(char => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())).join(''),
  snakecase: value => words(text(value)).join('_').toLowerCase(),
  kebabcase: value => words(text(value)).join('-').toLowerCase(),
  camelcase: value =>
    words(text(value))
      .map(word => word.slice(0, 1).toUpperCase() + word.slice(1))
      .join(''),
  wrap: (width, value) => wrapped(text(value), Number(integer(width ?? null)), '\n', false),
  wrapWith: (width, separator, value) => wrapped(text(value), Number(integer(width ?? null)), text(separator), true),
  contains: (part, value) => text(value).includes(text(part)),
  hasPrefix: (prefix, value) => text(value).startsWith(text(prefix)),
  hasSuffix: (suffix, value) => text(value).endsWith(text(suffix)),
  quote: (...values) =>
    values
      .filter(value => value !== null)
      .map(value => JSON.stringify(text(value)))
      .join(' '),
  squote: (...values) =>
    values
      .filter(value => value !== null)
      .map(value => `'${text(value)}'`)
      .join(' '),
  cat: (...values) =>
    values
      .filter(value => value !== null)
      .map(text)
      .join(' '),
  indent: (spaces, value) => indented(Number(integer(spaces ?? null)), text(value)),
  nindent: (spaces, value) => `\n${indented(Number(integer(spaces ?? null)), text(value))}`,
  replace: (from, to, value) => text(value).replaceAll(text(from), () => text(to)),
  plural: (one, many, count) => (numberOf(count ?? null) === 1n ? one! : many!),
  sha1sum: value => createHash('sha1').update(text(value)).digest('hex'),
  sha256sum: value => createHash('sha256').update(text(value)).digest('hex'),
  sha512sum: value => createHash('sha512').update(text(value)).digest('hex'),
  adler32sum: value => {
    let [low, high] = [1, 0]
    for (const byte of Buffer.from(text(value))) {
      low = (low + byte) % 65_521
      high = (high + low) % 65_521
    }
    return String(high * 65_536 + low)
  },
  toString: (value: Value | undefined) => text(value),
  toStrings: value => items(value).map(text),
  join: (separator, value) =>
    items(value)
      .filter(item => item !== null)
      .map(text)
      .join(text(separator)),
  split: (separator, value) => numbered(text(value).split(text(separator))),
  splitList: (separator, value) => text(value).split(text(separator)),
  splitn: (separator, count, value) => {
    const parts = text(value).split(text(separator))
    const most = Number(integer(count ?? null))
    return numbered(
      most > 0 && parts.length > most
        ? [...parts.slice(0, most - 1), parts.slice(most - 1).join(text(separator))]
        : parts,
    )
  },
  b64enc: value => Buffer.from(text(value)).toString('base64'),
  b64dec: value => Buffer.from(text(value), 'base64').toString('utf8'),
  b32enc: value => base32(Buffer.from(text(value))),
  b32dec: value => fromBase32(text(value)),
  ...aliases(['base', 'osBase'], path => (text(path) === '' ? '.' : posix.basename(text(path)) || '/')),
  ...aliases(['dir', 'osDir'], path => cleaned(text(path).slice(0, text(path).lastIndexOf('/') + 1))),
  ...aliases(['clean', 'osClean'], path => cleaned(text(path))),
  ...aliases(['ext', 'osExt'], path => /\.[^./]*$/.exec(text(path))?.[0] ?? ''),
  ...aliases(['isAbs', 'osIsAbs'], path => text(path).startsWith('/')),
  ...aliases(['regexMatch', 'mustRegexMatch'], (pattern, value) => spans(pattern, value, 1).length > 0),
  ...aliases(['regexFind', 'mustRegexFind'], (pattern, value) => found(pattern, value, 1)[0] ?? ''),
  ...aliases(['regexFindAll', 'mustRegexFindAll'], (pattern, value, count) =>
    found(pattern, value, Number(integer(count ?? null))),
  ),
  ...aliases(['regexReplaceAllLiteral', 'mustRegexReplaceAllLiteral'], (pattern, value, to) => {
    let [result, at] = ['', 0]
    for (const [start, end] of spans(pattern, value, -1)) {
      result += text(value).slice(at, start) + text(to)
      at = end
    }
    return result + text(value).slice(at)
  }),
  ...aliases(['regexSplit', 'mustRegexSplit'], (pattern, value, count) => {
    const most = Number(integer(count ?? null))
    if (most === 0) return []
    const parts: string[] = []
    let at = 0
    for (const [start, end] of spans(pattern, value, -1)) {
      if (most > 0 && parts.length === most - 1) break
      if (end === 0) continue
      parts.push(text(value).slice(at, start))
      at = end
    }
    return [...parts, text(value).slice(at)]
  }),
  ...aliases(['regexReplaceAll', 'mustRegexReplaceAll'], (pattern, value, to) =>
    compileRe2(text(pattern)).replaceAll(text(value), text(to)),
  ),
  regexQuoteMeta: value => text(value).replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`),
}

const numbers: Readonly<Record<string, TemplateFunction>> = {
  atoi: value => (/^[+-]?\d+$/.test(text(value)) ? BigInt(text(value).replace('+', '')) : 0n),
  ...aliases(['int', 'int64'], value => integer(value ?? null)),
  float64: value => new Float(float(value ?? null)),
  toDecimal: value => BigInt(/^[0-7]+$/.test(text(value)) ? `0o${text(value)}` : 0),
  add1: value => int64(integer(value ?? null) + 1n),
  add: (...values) => int64(values.reduce<bigint>((sum, value) => sum + integer(value), 0n)),
  sub: (left, right) => int64(integer(left ?? null) - integer(right ?? null)),
  mul: (...values) => int64(values.reduce<bigint>((product, value) => int64(product * integer(value)), 1n)),
  div: (left, right) => divided(left, right, (a, b) => a / b),
  mod: (left, right) => divided(left, right, (a, b) => a % b),
  add1f: value => new Float(float(value ?? null) + 1),
  addf: (...values) => new Float(values.reduce<number>((sum, value) => decimal(sum + float(value)), 0)),
  subf: (first, ...others) =>
    new Float(others.reduce<number>((left, value) => decimal(left - float(value)), float(first ?? null))),
  mulf: (first, ...others) =>
    new Float(others.reduce<number>((left, value) => decimal(left * float(value)), float(first ?? null))),
  divf: (first, ...others) =>
    new Float(others.reduce<number>((left, value) => left / float(value), float(first ?? null))),
  ...aliases(['max', 'biggest'], (...values) =>
    values.map(integer).reduce((left, right) => (left > right ? left : right)),
  ),
  min: (...values) => values.map(integer).reduce((left, right) => (left < right ? left : right)),
  maxf: (...values) => new Float(Math.max(...values.map(float))),
  minf: (...values) => new Float(Math.min(...values.map(float))),
  ceil: value => new Float(Math.ceil(float(value ?? null))),
  floor: value => new Float(Math.floor(float(value ?? null))),
  round: (value, places) => {
    const factor = 10 ** Number(integer(places ?? null))
    const scaled = float(value ?? null) * factor
    return new Float((scaled < 0 ? Math.ceil(scaled - 0.5) : Math.floor(scaled + 0.5)) / factor)
  },
  until: count => steps(0n, integer(count ?? null), integer(count ?? null) < 0n ? -1n : 1n),
  untilStep: (start, stop, step) => steps(integer(start ?? null), integer(stop ?? null), integer(step ?? null)),
  seq: (...values) => {
    const [first = 1n, second, third] = values.map(integer)
    const [start, step, end] =
      values.length === 1
        ? [1n, first < 1n ? -1n : 1n, first]
        : values.length === 2
          ? [first, second! < first ? -1n : 1n, second!]
          : [first, second!, third!]
    return values.length === 0 || values.length > 3 ? '' : steps(start, end + (step < 0n ? -1n : 1n), step).join(' ')
  },
}

const lists: Readonly<Record<string, TemplateFunction>> = {
  ...aliases(['list', 'tuple'], (...values) => values),
  ...aliases(['first', 'mustFirst'], value => items(value)[0] ?? null),
  ...aliases(['last', 'mustLast'], value => items(value).at(-1) ?? null),
  ...aliases(['rest', 'mustRest'], value => items(value).slice(1)),
  ...aliases(['initial', 'mustInitial'], value => items(value).slice(0, -1)),
  ...aliases(['append', 'push', 'mustAppend', 'mustPush'], (value, item) => [...items(value), item ?? null]),
  ...aliases(['prepend', 'mustPrepend'], (value, item) => [item ?? null, ...items(value)]),
  ...aliases(['reverse', 'mustReverse'], value => items(value).toReversed()),
  ...aliases(['uniq', 'mustUniq'], value =>
    items(value).filter((item, index, all) => all.findIndex(other => isSame(other, item)) === index),
  ),
  ...aliases(['without', 'mustWithout'], (value, ...without) =>
    items(value).filter(item => !without.some(other => isSame(other, item))),
  ),
  ...aliases(
    ['has', 'mustHas'],
    (item, value) => value !== null && items(value).some(other => isSame(other, item ?? null)),
  ),
  ...aliases(['compact', 'mustCompact'], value => items(value).filter(isTrue)),
  ...aliases(['slice', 'mustSlice'], (value, start, end) =>
    items(value).slice(
      start === undefined ? 0 : Number(integer(start)),
      end === undefined ? undefined : Number(integer(end)),
    ),
  ),
  concat: (...values) => values.flatMap(value => [...items(value)]),
  ...aliases(['chunk', 'mustChunk'], (count, value) => {
    const length = Math.max(1, Number(integer(count ?? null)))
    return Array.from({ length: Math.ceil(items(value).length / length) }, (_, index) =>
      items(value).slice(index * length, (index + 1) * length),
    )
  }),
  sortAlpha: value =>
    items(value)
      .map(text)
      .sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
}

const objects: Readonly<Record<string, TemplateFunction>> = {
  dict: (...pairs) =>
    made(
      Object.fromEntries(
        Array.from({ length: Math.ceil(pairs.length / 2) }, (_, index) => [
          text(pairs[index * 2]),
          pairs[index * 2 + 1] ?? '',
        ]),
      ),
    ),
  get: (object, key) => getOwn(record(object), text(key)) ?? '',
  set: (object, key, value) => changed(object, target => setOwn(target, text(key), value ?? null)),
  unset: (object, key) => changed(object, target => delete target[text(key)]),
  hasKey: (object, key) => Object.hasOwn(record(object), text(key)),
  pluck: (key, ...all) =>
    all
      .map(record)
      .filter(object => Object.hasOwn(object, text(key)))
      .map(object => object[text(key)]!),
  keys: (...all) => all.flatMap(object => [...keysOf(record(object))]),
  values: object => keysOf(record(object)).map(key => record(object)[key]!),
  pick: (object, ...keys) =>
    Object.fromEntries(
      keys
        .map(text)
        .filter(key => Object.hasOwn(record(object), key))
        .map(key => [key, record(object)[key]!]),
    ),
  omit: (object, ...keys) =>
    Object.fromEntries(Object.entries(record(object)).filter(([key]) => !keys.map(text).includes(key))),
  ...aliases(['merge', 'mustMerge'], (...all) =>
    all.map(record).reduceRight<ValueObject>((under, over) => made(merged(under, over)), {}),
  ),
  ...aliases(['mergeOverwrite', 'mustMergeOverwrite'], (...all) =>
    all.map(record).reduce<ValueObject>((under, over) => made(merged(under, over)), {}),
  ),
  ...aliases(['deepCopy', 'mustDeepCopy'], value => value ?? null),
  dig: (...args) => {
    let at: Value = args.at(-1) ?? null
    for (const key of args.slice(0, -2)) {
      if (!isObject(at) || !Object.hasOwn(at, text(key))) return args.at(-2) ?? null
      at = at[text(key)]!
    }
    return at
  },
}

const others: Readonly<Record<string, TemplateFunction>> = {
  default: (fallback, value) => (value !== undefined && isTrue(value) ? value : (fallback ?? null)),
  empty: value => !isTrue(value ?? null),
  coalesce: (...values) => values.find(isTrue) ?? null,
  all: (...values) => values.every(isTrue),
  any: (...values) => values.some(isTrue),
  ternary: (yes, no, condition) => (isTrue(condition ?? null) ? yes! : no!),
  ...aliases(['toJson', 'mustToJson'], value => printJson(value ?? null, { escapeHtml: true })),
  ...aliases(['toRawJson', 'mustToRawJson'], value => printJson(value ?? null)),
  ...aliases(['toPrettyJson', 'mustToPrettyJson'], value =>
    printJson(value ?? null, { escapeHtml: true, indent: '  ' }),
  ),
  mustFromJson: value => parseJson(text(value)),
  fromJson: value => {
    try {
      return parseJson(text(value))
    } catch {
      // Invalid JSON yields nil; `mustFromJson` fails instead.
      return null
    }
  },
  typeOf: value => typeName(value ?? null),
  typeIs: (name, value) => typeName(value ?? null) === name,
  typeIsLike: (name, value) => typeName(value ?? null) === name || `*${typeName(value ?? null)}` === name,
  kindOf: value => kindOf(value ?? null),
  kindIs: (name, value) => kindOf(value ?? null) === name,
  deepEqual: (left, right) => isSame(left ?? null, right ?? null),
  fail: reason => {
    throw new Error(text(reason))
  },
}

function aliases(names: readonly string[], run: TemplateFunction): Readonly<Record<string, TemplateFunction>> {
  return Object.fromEntries(names.map(name => [name, run]))
}

function text(value: Value | undefined): string {
  return value === undefined || value === null
    ? ''
    : value instanceof Uint8Array
      ? Buffer.from(value).toString('utf8')
      : goText(value)
}

function items(value: Value | undefined): readonly Value[] {
  if (value !== undefined && isArray(value)) return value
  if (value === undefined || value === null) return []
  throw new Error(`cannot use ${typeName(value)} as a list`)
}

function record(value: Value | undefined): ValueObject {
  if (value !== undefined && isObject(value)) return value
  throw new Error(`wrong type for value; expected map[string]interface {}; got ${typeName(value ?? null)}`)
}

/** Dictionaries created by templates: only these are modified in place, so that a message never is. */
const own = new WeakSet<object>()

function made(object: ValueObject): ValueObject {
  own.add(object)
  return object
}

function changed(object: Value | undefined, change: (target: Record<string, Value>) => void): Value {
  const given = record(object)
  const target = own.has(given) ? given : made({ ...given })
  change(target)
  return target
}

function merged(under: ValueObject, over: ValueObject): ValueObject {
  const result: Record<string, Value> = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const below = getOwn(result, key)
    const both = below !== null && below !== undefined && isObject(below) && isObject(value)
    setOwn(result, key, both ? merged(below, value) : value)
  }
  return result
}

function integer(value: Value): bigint {
  const number = numberOf(value)
  if (typeof number === 'bigint') return number
  if (typeof number === 'number') return Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n
  if (typeof value === 'boolean') return value ? 1n : 0n
  return typeof value === 'string' && /^[+-]?\d+$/.test(value) ? BigInt(value.replace('+', '')) : 0n
}

function int64(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

function float(value: Value): number {
  const number = numberOf(value)
  if (number !== undefined) return Number(number)
  return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : 0
}

/** Sprig computes with decimals, whose sums have no more digits than their operands. */
function decimal(value: number): number {
  return Number(value.toPrecision(15))
}

function divided(
  left: Value | undefined,
  right: Value | undefined,
  run: (left: bigint, right: bigint) => bigint,
): bigint {
  const divisor = integer(right ?? null)
  if (divisor === 0n) throw new Error('integer divide by zero')
  return run(integer(left ?? null), divisor)
}

function steps(start: bigint, stop: bigint, step: bigint): readonly bigint[] {
  const result: bigint[] = []
  if (step === 0n || step > 0n !== stop > start) return result
  for (let at = start; step > 0n ? at < stop : at > stop; at += step) {
    if (result.length >= MAX_SIZE) throw new Error(`a list has more than ${MAX_SIZE} numbers`)
    result.push(at)
  }
  return result
}

function size(count: Value): number {
  const number = Number(integer(count))
  if (number < 0 || number > MAX_SIZE) throw new Error(`${number} random bytes are too many`)
  return number
}

function numbered(parts: readonly string[]): Value {
  return Object.fromEntries(parts.map((part, index) => [`_${index}`, part]))
}

function indented(spaces: number, value: string): string {
  const pad = ' '.repeat(Math.min(Math.max(0, spaces), 1000))
  return pad + value.replaceAll('\n', `\n${pad}`)
}

function cleaned(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 ? normal.replace(/\/$/, '') : normal
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function base32(bytes: Uint8Array): string {
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  const chars = (bits.match(/.{1,5}/g) ?? []).map(group => BASE32[Number.parseInt(group.padEnd(5, '0'), 2)]!).join('')
  return chars.padEnd(Math.ceil(chars.length / 8) * 8, '=')
}

function fromBase32(value: string): string {
  const bits = [...value.replace(/=+$/, '')].map(char => BASE32.indexOf(char).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2))).toString('utf8')
}

function trimmed(value: string, cut: string): string {
  const chars = [...value]
  let [start, end] = [0, chars.length]
  while (start < end && cut.includes(chars[start]!)) start++
  while (end > start && cut.includes(chars[end - 1]!)) end--
  return chars.slice(start, end).join('')
}

function words(value: string): readonly string[] {
  return value
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[\s_-]+/)
    .filter(word => word !== '')
}

function wrapped(value: string, width: number, separator: string, cuts: boolean): string {
  const lines: string[] = []
  let line = ''
  for (let word of value.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    while (cuts && width > 0 && word.length > width) {
      lines.push(word.slice(0, width))
      word = word.slice(width)
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join(separator)
}

function spans(
  pattern: Value | undefined,
  value: Value | undefined,
  most: number,
): readonly (readonly [number, number])[] {
  const matches: (readonly [number, number])[] = []
  for (const match of compileRe2(text(pattern)).matchAll(text(value))) {
    if (most >= 0 && matches.length >= most) break
    matches.push([match[0]!, match[1]!])
  }
  return matches
}

function found(pattern: Value | undefined, value: Value | undefined, most: number): readonly string[] {
  return spans(pattern, value, most).map(([start, end]) => text(value).slice(start, end))
}

function isSame(left: Value, right: Value): boolean {
  return printJson([left]) === printJson([right])
}

function kindOf(value: Value): string {
  const name = typeName(value)
  if (name.startsWith('map')) return 'map'
  if (name.startsWith('[]')) return 'slice'
  return name === 'json.Number' ? 'string' : name === '<nil>' ? 'invalid' : name
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 }

function durationNanos(value: string): bigint {
  if (!/^[+-]?(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(value)) return 0n
  let total = 0
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * UNITS[unit!]!
  return BigInt(Math.round(value.startsWith('-') ? -total : total))
}

/** Formats whole seconds like Go: `1h2m3s`. */
function durationText(nanos: bigint): string {
  const total = nanos / 1_000_000_000n
  const seconds = total < 0n ? -total : total
  const [hours, minutes] = [seconds / 3600n, (seconds / 60n) % 60n]
  const parts = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : ''
  return `${total < 0n ? '-' : ''}${parts}${seconds % 60n}s`
}
