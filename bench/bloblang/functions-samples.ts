/** The documents on which functions are measured, and the notation for cases. */
export type Fields = (n: number) => Readonly<Record<string, unknown>>

export interface FunctionCase {
  readonly name: string
  /** The assigned expression, once for each call on a line. */
  readonly expression: string
  /** Statements before the assignments. */
  readonly prefix?: string
  /** The field `v` (and others) of document number `n`. */
  readonly fields?: Fields
  /** Calls on a line, if not {@link CALLS}. */
  readonly calls?: number
  /** The results differ from run to run, or between the programs (clock, random, order of map keys). */
  readonly varies?: true
  /** Needs resources that the `blobl` command does not have: measured only in this process. */
  readonly inProcessOnly?: true
}

const WORDS = 'amber basin copper delta ember fjord granite harbor island juniper kelp lagoon meadow nectar'.split(' ')
export const word = (n: number) => WORDS[n % WORDS.length]!
export const sentence = (n: number) => Array.from({ length: 12 }, (_, at) => word(n * 7 + at * (1 + (n % 5)))).join(' ')
export const at = (n: number) => new Date(1_600_000_000_000 + n * 431_017)
export const numbers = (n: number) =>
  Array.from({ length: 20 }, (_, index) => (((n + 1) * (index + 3) * 7919) % 1000) + 1)
export const words = (n: number) =>
  Array.from({ length: 12 }, (_, index) => `${word(n + index * 5)}${(n * index) % 17}`)
export const people = (n: number) =>
  Array.from({ length: 6 }, (_, index) => ({
    name: word(n + index),
    age: (n * 13 + index * 7) % 90,
    id: `${n}-${index}`,
  }))
export const record = (n: number) => ({
  name: word(n),
  count: n,
  nested: { a: [1, 2, n], b: { c: sentence(n) } },
  ok: n % 2 === 0,
})

export const text = (n: number) => ({ v: `${sentence(n)} Number ${n}` })
export const number = (n: number) => ({ v: (n % 97) * 1.37 + 0.5 })
export const small = (n: number) => ({ v: n % 100 })
export const list = (n: number) => ({ v: numbers(n) })
export const strings = (n: number) => ({ v: words(n) })
export const objects = (n: number) => ({ v: people(n) })
export const object = (n: number) => ({ v: record(n) })
export const time = (n: number) => ({ v: at(n).toISOString() })
export const seconds = (n: number) => ({ v: at(n).getTime() / 1000 })
export const bytes = (n: number) => ({ v: Buffer.from(sentence(n)).toString('base64') })
export const html = (n: number) => ({ v: `<p>Read <a href="/x?${n}">${sentence(n)}</a> & <b>more</b></p>` })
export const csv = (n: number) => ({
  v: `id,name,city\n${[0, 1, 2, 3].map(i => `${n + i},${word(n + i)},"${word(i)}, ${word(n)}"`).join('\n')}\n`,
})
export const xml = (n: number) => ({
  v: `<order id="${n}"><customer>${word(n)}</customer><items><item sku="a${n}">${sentence(n)}</item><item>2</item></items></order>`,
})
export const yaml = (n: number) => ({
  v: `name: ${word(n)}\ncount: ${n}\ntags:\n  - ${word(n + 1)}\n  - b\nnested:\n  a: true\n  b: ${n}.5\n`,
})
export const link = (n: number) => ({
  v: `https://user:pw@${word(n)}.example.com:8080/a/${word(n + 1)}?x=${n}&y=two%20words#frag`,
})
export const address = (ip: string) => () => ({ v: ip })

/** A case by its expression; without fields it runs on a line of text. */
export function c(
  name: string,
  expression: string,
  fields: Fields = text,
  more: Partial<FunctionCase> = {},
): FunctionCase {
  return { name, expression, fields, ...more }
}

/** A case of a method, called on the field `v`. */
export function v(name: string, args: string, fields: Fields = text, more: Partial<FunctionCase> = {}): FunctionCase {
  return c(name, `this.v.${name}(${args})`, fields, more)
}
