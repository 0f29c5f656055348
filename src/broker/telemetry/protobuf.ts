import { ProtocolError } from '../../kafka/index.ts'

/** One field of a Protocol Buffers message: its number, and its value by wire type. */
export type ProtobufField =
  | { readonly number: number; readonly kind: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Buffer }
  /** Eight bytes, whose type only the schema tells: a float64 or an integer. */
  | { readonly number: number; readonly kind: 'fixed64'; readonly value: Buffer }
  | { readonly number: number; readonly kind: 'fixed32'; readonly value: Buffer }

/** The fields of a message in order. Throws a ProtocolError for malformed bytes. */
export function* protobufFields(message: Buffer): Generator<ProtobufField> {
  let position = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[position++]
      if (byte === undefined) throw cutOff()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new ProtocolError('varint is too long')
  }
  const bytes = (length: number): Buffer => {
    if (length > message.length - position) throw cutOff()
    return message.subarray(position, (position += length))
  }
  while (position < message.length) {
    const tag = Number(varint())
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0:
        yield { number, kind: 'varint', value: varint() }
        break
      case 1:
        yield { number, kind: 'fixed64', value: bytes(8) }
        break
      case 2:
        yield { number, kind: 'bytes', value: bytes(Number(varint())) }
        break
      case 5:
        yield { number, kind: 'fixed32', value: bytes(4) }
        break
      default:
        throw new ProtocolError('field with an unknown wire type')
    }
  }
}

function cutOff(): ProtocolError {
  return new ProtocolError('message is truncated')
}
