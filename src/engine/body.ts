import { Buffer } from 'node:buffer'
import type { Value } from '../bloblang/index.ts'

/** Text as the bytes of a body. */
export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

export function parseJson(bytes: Uint8Array): Value {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as Value
}

export function printJson(value: Value): string {
  return JSON.stringify(value)
}
