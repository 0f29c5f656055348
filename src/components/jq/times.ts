import { messageOf } from '../../base/index.ts'
import { Float, type Host, Timestamp, type Value } from '../../bloblang/index.ts'
import { expression } from '../pure/expression.ts'
import { isArray, isNumber, JqError, type Json, preview, typedPreview } from './json.ts'

type TimeFunction = (input: Json, ...args: Json[]) => Json

/**
 * The time functions. Broken-down times are arrays of year, month from 0, day, hour, minute, second, weekday and day of
 * the year.
 */
export function timeFunctions(host: Host): Readonly<Record<string, TimeFunction>> {
  const print = expression('this.time.ts_strftime(this.format, this.zone)', host)
  const parse = expression('this.text.ts_strptime(this.format)', host)
  const print_ = (name: string, zone: string) => (input: Json, format: Json) => {
    const broken = isNumber(input) ? brokenDown(Number(input)) : input
    if (!isArray(broken) || typeof format !== 'string') return refuseWith(name, broken, format)
    const seconds = secondsOf(
      broken,
      reason => `${name}(${preview(format)}) cannot be applied to ${preview(broken)}: ${reason}`,
    )
    return print({ time: new Float(seconds), format, zone })
  }
  return {
    'now/0': () => Number(host.now() / 1000n) / 1e6,
    'gmtime/0': input => (isNumber(input) ? brokenDown(Number(input)) : refuse('gmtime', input)),
    'localtime/0': input => (isNumber(input) ? brokenDownHere(Number(input)) : refuse('localtime', input)),
    'mktime/0': input => {
      if (!isArray(input)) return refuse('mktime', input)
      return secondsOf(input, reason => `mktime cannot be applied to ${preview(input)}: ${reason}`)
    },
    // `print_` creates functions of an input and a format.
    'strftime/1': print_('strftime', 'UTC') as TimeFunction,
    // Likewise.
    'strflocaltime/1': print_('strflocaltime', 'Local') as TimeFunction,
    'strptime/1': (input: Json, format: Json) => {
      if (typeof input !== 'string' || typeof format !== 'string') return refuseWith('strptime', input, format)
      return brokenDown(parsedSeconds(parse, input, format))
    },
  }
}

function parsedSeconds(parse: (value: Value) => Value, text: string, format: string): number {
  try {
    const time = parse({ text, format })
    if (time instanceof Timestamp) return Number(time.unixNanos / 1000n) / 1e6
    return new Date(String(time)).getTime() / 1000
  } catch (error) {
    const message = messageOf(error)
    throw new JqError(`strptime(${preview(format)}) cannot be applied to ${preview(text)}: ${message}`)
  }
}

function brokenDown(seconds: number): Json {
  const whole = Math.floor(seconds)
  const date = new Date(whole * 1000)
  const dayOfYear = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)
  return [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds() + (seconds - whole),
    date.getUTCDay(),
    dayOfYear,
  ]
}

function brokenDownHere(seconds: number): Json {
  const offsetMinutes = new Date(seconds * 1000).getTimezoneOffset()
  return brokenDown(seconds - offsetMinutes * 60)
}

function secondsOf(broken: readonly Json[], wrap: (reason: string) => string): number {
  if (broken.length !== 8 || !broken.every(isNumber)) throw new JqError(wrap('expected an array of 8 numbers'))
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = broken.map(Number)
  const date = new Date(0)
  date.setUTCFullYear(Math.trunc(year), Math.trunc(month), Math.trunc(day))
  date.setUTCHours(Math.trunc(hour), Math.trunc(minute), 0)
  return date.getTime() / 1000 + second
}

function refuse(name: string, value: Json): never {
  throw new JqError(`${name} cannot be applied to: ${typedPreview(value)}`)
}

function refuseWith(name: string, value: Json, arg: Json): never {
  throw new JqError(`${name}(${preview(arg)}) cannot be applied to: ${typedPreview(value)}`)
}
