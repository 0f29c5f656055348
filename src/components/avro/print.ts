import { formatFloat } from '../../bloblang/index.ts'
import { shortestFloat32 } from '../protobuf/float32.ts'
import { Output } from '../protobuf/output.ts'
import type { Cursor } from './cursor.ts'
import { checkDepth, inField, memberOf, readBoolean, symbolOf } from './read.ts'
import type { AvroType } from './schema.ts'

export type Print = (cursor: Cursor, output: Output, depth: number) => void

/**
 * Prints binary values as JSON text without creating documents, either as Avro JSON, in which values of unions are
 * keyed by the names of their types, or plain. Bytes are printed as strings of code points, and logical types as their
 * underlying numbers.
 */
export function printer(type: AvroType, isPlain: boolean): Print {
  return new Compiler(isPlain).print(type)
}

class Compiler {
  readonly #isPlain: boolean
  readonly #records = new Map<AvroType, { print: Print }>()

  constructor(isPlain: boolean) {
    this.#isPlain = isPlain
  }

  print(type: AvroType): Print {
    switch (type.kind) {
      case 'null':
        return (_, output) => output.ascii('null')
      case 'boolean':
        return (cursor, output) => output.ascii(readBoolean(cursor) ? 'true' : 'false')
      case 'int':
      case 'long':
        return (cursor, output) => {
          const value = cursor.long()
          if (typeof value === 'number') output.integer(value)
          else output.ascii(String(value))
        }
      case 'float':
        return (cursor, output) => output.ascii(floatText(cursor.float(), true))
      case 'double':
        return (cursor, output) => output.ascii(floatText(cursor.double(), false))
      case 'string':
        return (cursor, output) => printText(cursor, output)
      case 'bytes':
        return (cursor, output) => printBytes(cursor, cursor.int(), 'bytes', output)
      case 'fixed': {
        const what = `fixed ${JSON.stringify(type.name)}`
        return (cursor, output) => printBytes(cursor, type.size, what, output)
      }
      case 'enum':
        return (cursor, output) => output.ascii(JSON.stringify(symbolOf(type, cursor)))
      case 'array':
        return this.#array(this.print(type.items))
      case 'map':
        return this.#map(this.print(type.values))
      case 'union':
        return this.#union(type.members)
      case 'record':
        return this.#record(type)
    }
  }

  #record(type: AvroType & { kind: 'record' }): Print {
    const known = this.#records.get(type)
    if (known !== undefined) return (cursor, output, depth) => known.print(cursor, output, depth)
    const entry: { print: Print } = { print: () => {} }
    this.#records.set(type, entry)
    const names = type.fields.map(({ name }, index) => `${index === 0 ? '' : ','}${JSON.stringify(name)}:`)
    const prints = type.fields.map(field => this.print(field.type))
    entry.print = (cursor, output, depth) => {
      checkDepth(depth)
      output.byte(OPEN_OBJECT)
      for (let i = 0; i < prints.length; i++) {
        output.ascii(names[i]!)
        try {
          prints[i]!(cursor, output, depth + 1)
        } catch (error) {
          throw inField(error, type.name, type.fields[i]!.name)
        }
      }
      output.byte(CLOSE_OBJECT)
    }
    return entry.print
  }

  #array(print: Print): Print {
    return (cursor, output, depth) => {
      checkDepth(depth)
      output.byte(OPEN_ARRAY)
      let isFirst = true
      for (let count = cursor.block(); count !== 0; count = cursor.block()) {
        for (let i = 0; i < count; i++) {
          if (isFirst) isFirst = false
          else output.byte(COMMA)
          const start = cursor.at
          print(cursor, output, depth + 1)
          cursor.passed(start, 'array')
        }
      }
      output.byte(CLOSE_ARRAY)
    }
  }

  #map(print: Print): Print {
    return (cursor, output, depth) => {
      checkDepth(depth)
      output.byte(OPEN_OBJECT)
      let isFirst = true
      for (let count = cursor.block(); count !== 0; count = cursor.block()) {
        for (let i = 0; i < count; i++) {
          if (isFirst) isFirst = false
          else output.byte(COMMA)
          printText(cursor, output)
          output.byte(COLON)
          print(cursor, output, depth + 1)
        }
      }
      output.byte(CLOSE_OBJECT)
    }
  }

  #union(members: readonly AvroType[]): Print {
    const prints = members.map(member => this.print(member))
    const heads = members.map(({ kind, name }) => (this.#isPlain || kind === 'null' ? '' : `{${JSON.stringify(name)}:`))
    return (cursor, output, depth) => {
      const index = memberOf(members.length, cursor)
      const head = heads[index]!
      output.ascii(head)
      prints[index]!(cursor, output, depth + 1)
      if (head !== '') output.byte(CLOSE_OBJECT)
    }
  }
}

const COMMA = 44
const COLON = 58
const OPEN_ARRAY = 91
const CLOSE_ARRAY = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/** NaN becomes null, and infinities become numbers out of range. */
function floatText(value: number, isSingle: boolean): string {
  if (Number.isNaN(value)) return 'null'
  if (!Number.isFinite(value)) return value > 0 ? '1e999' : '-1e999'
  return formatFloat(isSingle ? Number(shortestFloat32(value)) : value, 'g', -1)
}

/** Prints a text as a JSON string; bytes that are not UTF-8 become U+FFFD. */
function printText(cursor: Cursor, output: Output): void {
  const size = cursor.int()
  const end = cursor.end(size, 'string')
  const start = cursor.at
  cursor.at = end
  const before = output.length
  if (output.quoted(cursor.input, start, end)) return
  output.length = before
  output.utf8(JSON.stringify(new TextDecoder().decode(cursor.input.subarray(start, end))))
}

function printBytes(cursor: Cursor, size: number, what: string, output: Output): void {
  const end = cursor.end(size, what)
  output.byte(34)
  for (let at = cursor.at; at < end; at++) {
    const byte = cursor.input[at]!
    if (byte >= 32 && byte < 127 && byte !== 34 && byte !== 92) output.byte(byte)
    else output.ascii(ESCAPES[byte]!)
  }
  output.byte(34)
  cursor.at = end
}

const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const short = JSON.stringify(String.fromCharCode(byte)).slice(1, -1)
  return short.startsWith('\\') && short.length === 2 ? short : `\\u${byte.toString(16).toUpperCase().padStart(4, '0')}`
})
