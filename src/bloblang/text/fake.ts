/** Random fake data in the formats of the original's generator. */
import { MONTHS, NANOS_PER_SECOND, WEEKDAYS } from '../data/time/calendar.ts'
import { createRequire } from 'node:module'
import { formatRfc3339 } from '../data/time/format.ts'
import { MappingError } from '../errors.ts'
import type { Host } from '../stdlib/spec.ts'
import { Float, Timestamp, type Value } from '../value.ts'

const require = createRequire(import.meta.url)

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const TOP_LEVEL_DOMAINS = ['com', 'biz', 'info', 'net', 'org', 'ru', 'edu', 'top']
const CENTURIES = 'I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI'.split(' ')
const TITLES = {
  male: ['Mr.', 'Dr.', 'Prof.', 'Lord', 'King', 'Prince'],
  female: ['Mrs.', 'Ms.', 'Miss', 'Dr.', 'Prof.', 'Lady', 'Queen', 'Princess'],
}
const GENDERS = ['Male', 'Female', 'Prefer to skip']
/** Card types with the prefixes and lengths of their numbers. */
const CARDS = [
  { type: 'VISA', prefixes: ['4539', '4556', '4916', '4532', '4929', '4485', '4716'], length: 16 },
  { type: 'MasterCard', prefixes: ['51', '52', '53', '54', '55'], length: 16 },
  { type: 'American Express', prefixes: ['34', '37'], length: 15 },
  { type: 'Discover', prefixes: ['6011'], length: 16 },
  { type: 'JCB', prefixes: ['3528', '3538', '3548', '3558', '3568', '3578', '3588'], length: 16 },
  { type: 'Diners Club', prefixes: ['36', '38', '39'], length: 14 },
] as const
const SURNAMES_ZH = '赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜'
const GIVEN_ZH = '子墨 雨泽 浩然 志强 文博 思远 明轩 俊杰 欣怡 诗涵 梦琪 雅静 紫萱 若兰 晓梅 佳怡'.split(' ')
const TOLL_FREE = ['777', '888']

type Maker = (dice: Dice) => Value

const MAKERS: Readonly<Record<string, Maker>> = {
  '': dice => dice.letters(25),
  latitude: dice => new Float(Math.fround(dice.fraction() * 180 - 90)),
  longitude: dice => new Float(Math.fround(dice.fraction() * 360 - 180)),
  unix_time: dice => dice.unixSeconds(),
  date: dice => dice.time().slice(0, 10),
  time_string: dice => dice.time().slice(11, 19),
  month_name: dice => dice.of(MONTHS),
  year_string: dice => dice.time().slice(0, 4),
  day_of_week: dice => dice.of(WEEKDAYS),
  day_of_month: dice => String(Number(dice.time().slice(8, 10))),
  timestamp: dice => dice.time().slice(0, 19).replace('T', ' '),
  century: dice => dice.of(CENTURIES),
  timezone: dice => dice.of(Intl.supportedValuesOf('timeZone')),
  time_period: dice => dice.of(['AM', 'PM']),
  email: dice => `${dice.letters(7)}@${dice.letters(7)}.${dice.of(TOP_LEVEL_DOMAINS)}`,
  mac_address: dice => dice.hex(12).match(/../g)!.join(':'),
  domain_name: dice => dice.domain(),
  url: dice =>
    `${dice.of(['http', 'https'])}://${dice.of(['', 'www.'])}${dice.domain()}/${dice.of([dice.letters(7), ''])}`,
  username: dice => dice.letters(7),
  ipv4: dice => Array.from({ length: 4 }, () => dice.below(256)).join('.'),
  ipv6: dice => dice.hex(32).match(/..../g)!.join(':'),
  password: dice => dice.letters(50),
  jwt: dice => Array(3).fill(dice.letters(40)).join('.'),
  word: dice => dice.word(),
  sentence: dice => dice.sentence(),
  paragraph: dice => Array.from({ length: 1 + dice.below(10) }, () => dice.sentence()).join(' '),
  cc_type: dice => dice.of(CARDS).type,
  cc_number: dice => {
    const { prefixes, length } = dice.of(CARDS)
    const prefix = dice.of<string>(prefixes)
    return prefix + dice.digits(length - prefix.length)
  },
  currency: dice => dice.of(Intl.supportedValuesOf('currency')),
  amount_with_currency: dice => {
    const amount = (dice.fraction() * 10 ** dice.below(8)).toFixed(1 + dice.below(2))
    return `${dice.of(Intl.supportedValuesOf('currency'))} ${Number(amount).toFixed(6)}`
  },
  title_male: dice => dice.of(TITLES.male),
  title_female: dice => dice.of(TITLES.female),
  first_name: dice => dice.of([...words().female, ...words().male]),
  first_name_male: dice => dice.of(words().male),
  first_name_female: dice => dice.of(words().female),
  last_name: dice => dice.of(words().last),
  name: dice => {
    const gender = dice.of(['male', 'female'] as const)
    return `${dice.of(TITLES[gender])} ${dice.of(words()[gender])} ${dice.of(words().last)}`
  },
  gender: dice => dice.of(GENDERS),
  chinese_first_name: dice => dice.of(Array.from(SURNAMES_ZH)),
  chinese_last_name: dice => dice.of(GIVEN_ZH),
  chinese_name: dice => dice.of(Array.from(SURNAMES_ZH)) + dice.of(GIVEN_ZH),
  phone_number: dice => `${dice.digits(3)}-${dice.digits(3)}-${dice.digits(4)}`,
  toll_free_phone_number: dice => `(${dice.of(TOLL_FREE)}) ${dice.digits(3)}-${dice.digits(6)}`,
  e164_phone_number: dice => `+${1 + dice.below(9)}${dice.digits(11)}`,
  uuid_hyphenated: dice => dice.uuid().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  uuid_digit: dice => dice.uuid(),
}

/** A fake value of a kind; the kind is case-insensitive. Throws for an unknown kind. */
export function fakeValue(kind: string, host: Host): Value {
  const name = kind.toLowerCase()
  const make = Object.hasOwn(MAKERS, name) ? MAKERS[name] : undefined
  if (make === undefined) throw new MappingError(`invalid faker function: ${kind}`)
  return make(new Dice(host))
}

class Dice {
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  fraction(): number {
    return this.#host.random()
  }

  below(limit: number): number {
    return Math.floor(this.#host.random() * limit)
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  letters(count: number): string {
    return Array.from({ length: count }, () => LETTERS[this.below(LETTERS.length)]).join('')
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.below(10)).join('')
  }

  hex(count: number): string {
    return Array.from({ length: count }, () => this.below(16).toString(16)).join('')
  }

  domain(): string {
    return `${this.letters(7).toLowerCase()}.${this.of(TOP_LEVEL_DOMAINS)}`
  }

  word(): string {
    return this.of(words().lorem)
  }

  sentence(): string {
    const text = Array.from({ length: 6 + this.below(2) }, () => this.word()).join(' ')
    return `${text[0]!.toUpperCase()}${text.slice(1)}.`
  }

  /** A random time between 1970 and now. */
  unixSeconds(): bigint {
    return BigInt(this.below(Number(this.#host.now() / NANOS_PER_SECOND)))
  }

  time(): string {
    return formatRfc3339(new Timestamp(this.unixSeconds() * NANOS_PER_SECOND, { name: 'UTC' }))
  }

  /** The 32 digits of a random UUID. */
  uuid(): string {
    const digits = this.hex(32)
    return `${digits.slice(0, 12)}4${digits.slice(13, 16)}${this.of(['8', '9', 'a', 'b'])}${digits.slice(17)}`
  }
}

interface Words {
  readonly male: readonly string[]
  readonly female: readonly string[]
  readonly last: readonly string[]
  readonly lorem: readonly string[]
}

let loaded: Words | undefined

function words(): Words {
  if (loaded !== undefined) return loaded
  // require returns an untyped value.
  const { faker } = require('@faker-js/faker/locale/en') as typeof import('@faker-js/faker/locale/en')
  const { lorem, person: names } = faker.rawDefinitions
  loaded = {
    male: list(names?.first_name, 'male'),
    female: list(names?.first_name, 'female'),
    last: list(names?.last_name, 'generic'),
    lorem: lorem?.word ?? ['lorem', 'ipsum', 'dolor', 'sit', 'amet'],
  }
  return loaded
}

function list(names: unknown, kind: string): readonly string[] {
  // Faker's lists by kind; a locale may lack some.
  const found = (names as Record<string, readonly string[] | null> | undefined)?.[kind]
  return found === null || found === undefined ? ['Kim'] : found
}
