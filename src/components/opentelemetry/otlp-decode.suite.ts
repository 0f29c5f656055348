// A decoder for OTLP traces that knows every field it accepts and fails on any other (opentelemetry-proto, trace.proto
// 1.x).
import assert from 'node:assert/strict'

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly name: string
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: number; readonly message: string }
  readonly resource: Readonly<Record<string, unknown>>
}

/** The spans of an ExportTraceServiceRequest. */
export function decodeTraces(bytes: Uint8Array): readonly ReceivedSpan[] {
  return all(bytes, [1]).flatMap(({ value }) => {
    const resourceSpans = fieldsOf(message(value), [1, 2, 3])
    const resource = attributesIn(message(one(resourceSpans, 1)), 1, [1, 2])
    return resourceSpans
      .filter(({ id }) => id === 2)
      .flatMap(scope => {
        const scopeSpans = fieldsOf(message(scope.value), [1, 2, 3])
        return scopeSpans.filter(({ id }) => id === 2).map(span => decodeSpan(message(span.value), resource))
      })
  })
}

function decodeSpan(bytes: Uint8Array, resource: Readonly<Record<string, unknown>>): ReceivedSpan {
  const fields = fieldsOf(bytes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
  const hex = (id: number) => Buffer.from(message(one(fields, id) ?? new Uint8Array())).toString('hex')
  const status = fieldsOf(message(one(fields, 15) ?? new Uint8Array()), [2, 3])
  const [traceId, spanId] = [hex(1), hex(2)]
  assert.deepEqual([traceId.length, spanId.length], [32, 16])
  const [startNs, endNs] = [one(fields, 7), one(fields, 8)]
  assert.ok(typeof startNs === 'bigint' && typeof endNs === 'bigint')
  assert.ok(startNs > 0n && endNs >= startNs)
  return {
    traceId,
    spanId,
    parentId: hex(4),
    name: text(one(fields, 5)),
    startNs,
    endNs,
    attributes: attributesIn(bytes, 9),
    status: { code: Number(one(status, 3) ?? 0n), message: text(one(status, 2) ?? new Uint8Array()) },
    resource,
  }
}

type Value = bigint | Uint8Array

interface WireField {
  readonly id: number
  readonly value: Value
}

function attributesIn(bytes: Uint8Array, id: number, known?: readonly number[]): Record<string, unknown> {
  const pairs = fieldsOf(bytes, known).filter(field => field.id === id)
  return Object.fromEntries(
    pairs.map(pair => {
      const keyValue = fieldsOf(message(pair.value), [1, 2])
      const [any] = fieldsOf(message(one(keyValue, 2)), [1, 2, 3, 4])
      return [text(one(keyValue, 1)), any!.id === 1 ? text(any!.value) : any!.value]
    }),
  )
}

function all(bytes: Uint8Array, known: readonly number[]): readonly WireField[] {
  return fieldsOf(bytes, known)
}

/** The fields of a message in order. Fails on an unknown field, and on bytes that are not a message. */
function fieldsOf(bytes: Uint8Array, known?: readonly number[]): readonly WireField[] {
  const buffer = Buffer.from(bytes)
  const fields: WireField[] = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < buffer.length) {
    const tag = Number(varint())
    const id = tag >> 3
    if (known !== undefined) assert.ok(known.includes(id), `field ${id} is not known here`)
    switch (tag & 7) {
      case 0:
        fields.push({ id, value: varint() })
        break
      case 1:
        fields.push({ id, value: buffer.readBigUInt64LE(at) })
        at += 8
        break
      case 2: {
        const size = Number(varint())
        assert.ok(at + size <= buffer.length, 'a field ends behind its message')
        fields.push({ id, value: buffer.subarray(at, at + size) })
        at += size
        break
      }
      case 5:
        fields.push({ id, value: BigInt(buffer.readUInt32LE(at)) })
        at += 4
        break
      default:
        assert.fail(`wire type ${tag & 7}`)
    }
  }
  return fields
}

function one(fields: readonly WireField[], id: number): Value | undefined {
  const found = fields.filter(field => field.id === id)
  assert.ok(found.length <= 1, `field ${id} is there ${found.length} times`)
  return found[0]?.value
}

function message(value: Value | undefined): Uint8Array {
  assert.ok(value instanceof Uint8Array)
  return value
}

function text(value: Value | undefined): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(message(value))
}
