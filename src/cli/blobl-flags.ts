/** What was written behind `penstock blobl`. */
export interface BloblFlags {
  /** The mapping as it stands on the command line, or an empty text. */
  readonly mapping: string
  readonly file: string
  readonly raw: boolean
  readonly pretty: boolean
  readonly threads: number
  readonly maxTokenLength: number
  readonly help: boolean
}

export const HELP = `Usage: penstock blobl [options] [mapping]

Executes a mapping on documents from the standard input, one a line:

  cat documents.jsonl | penstock blobl 'foo.bar.map_each(this.uppercase())'
  echo '{"foo":"bar"}' | penstock blobl -f ./mapping.blobl

Options:
  -t, --threads N           map in that many threads, at most one a core; the order stays (default 1)
  -r, --raw                 take lines as raw text
  -p, --pretty              print documents with indentation
  -f, --file PATH           read the mapping from a file
      --max-token-length N  the longest line in bytes (default 65536)

  penstock blobl server     a page to try mappings in
`

const DEFAULTS: BloblFlags = {
  mapping: '',
  file: '',
  raw: false,
  pretty: false,
  threads: 1,
  maxTokenLength: 65_536,
  help: false,
}

type Reader = (value: string) => Partial<BloblFlags> | null

const INTEGER = /^[+-]?(?:0x[\da-f]+|0o[0-7]+|0b[01]+|\d+)$/i

const integer = (name: 'threads' | 'maxTokenLength'): Reader => {
  return value => {
    if (!INTEGER.test(value)) return null
    const size = Number(value.replace(/^[+-]/, ''))
    return { [name]: value.startsWith('-') ? -size : size }
  }
}

const text = (name: 'file'): Reader => {
  return value => ({ [name]: value })
}

const threads = integer('threads')
const file = text('file')
const maxTokenLength = integer('maxTokenLength')
const WITH_VALUE: Readonly<Record<string, Reader>> = {
  t: threads,
  threads,
  f: file,
  file,
  'max-token-length': maxTokenLength,
}

const SWITCHES: Readonly<Record<string, 'raw' | 'pretty' | 'help'>> = {
  r: 'raw',
  raw: 'raw',
  p: 'pretty',
  pretty: 'pretty',
  h: 'help',
  help: 'help',
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, t: true, 1: true, false: false, f: false, 0: false }

/** The flags, or what is wrong with them. The first word that is no flag is the mapping; what follows it is not read. */
export function parseBloblFlags(args: readonly string[]): BloblFlags | string {
  let flags = DEFAULTS
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument)
    if (match === null) return { ...flags, mapping: argument === '--' ? (args[at + 1] ?? '') : argument }
    const name = match[1]!
    const isSwitch = Object.hasOwn(SWITCHES, name)
    if (!isSwitch && !Object.hasOwn(WITH_VALUE, name)) return `flag provided but not defined: -${name}`
    const value = match[2] ?? (isSwitch ? 'true' : args[++at])
    if (value === undefined) return `flag needs an argument: -${name}`
    if (isSwitch) {
      const on = BOOLEANS[value.toLowerCase()]
      if (on === undefined) return `invalid boolean value ${JSON.stringify(value)} for -${name}: parse error`
      flags = { ...flags, [SWITCHES[name]!]: on }
    } else {
      const read = WITH_VALUE[name]!(value)
      if (read === null) return `invalid value ${JSON.stringify(value)} for flag -${name}: parse error`
      flags = { ...flags, ...read }
    }
  }
  return flags
}
