import { type ProtobufField, protobufFields } from './protobuf.ts'

/** One value of a metric, as pushed by a client. */
export interface MetricPoint {
  readonly name: string
  /** Counters only grow; gauges are current values. */
  readonly kind: 'counter' | 'gauge'
  /** Whether the value is the increase since the last push. */
  readonly isDelta: boolean
  readonly attributes: Readonly<Record<string, string>>
  readonly value: number
}

// Field numbers from https://github.com/open-telemetry/opentelemetry-proto, metrics/v1, for
// what Kafka's clients send: gauges and sums.
const DELTA = 1n

/** Parses the points of a MetricsData message. Throws a ProtocolError for malformed bytes. */
export function readMetrics(message: Buffer): MetricPoint[] {
  const metrics = messages(messages(messages([message], 1), 2), 2)
  return metrics.flatMap(metric => {
    const name = text(messages([metric], 1)[0])
    return [
      ...messages([metric], 5).flatMap(gauge => points(gauge, name, 'gauge', false)),
      ...messages([metric], 7).flatMap(sum => {
        const fields = [...protobufFields(sum)]
        const isMonotonic = fields.some(({ number, value }) => number === 3 && value === 1n)
        const isDelta = fields.some(({ number, value }) => number === 2 && value === DELTA)
        return points(sum, name, isMonotonic ? 'counter' : 'gauge', isDelta)
      }),
    ]
  })
}

function points(data: Buffer, name: string, kind: MetricPoint['kind'], isDelta: boolean): MetricPoint[] {
  return messages([data], 1).flatMap(point => {
    const value = valueOf(point)
    if (value === undefined) return []
    const attributes = Object.fromEntries(messages([point], 7).map(keyValue))
    return [{ name, kind, isDelta, attributes, value }]
  })
}

function valueOf(point: Buffer): number | undefined {
  for (const field of protobufFields(point)) {
    if (field.kind !== 'fixed64') continue
    if (field.number === 4) return field.value.readDoubleLE(0)
    if (field.number === 6) return Number(field.value.readBigInt64LE(0))
  }
  return undefined
}

function keyValue(message: Buffer): [string, string] {
  const key = text(messages([message], 1)[0])
  const value = messages([message], 2)[0]
  return [key, value === undefined ? '' : [...protobufFields(value)].map(anyText).join('')]
}

function anyText(field: ProtobufField): string {
  if (field.kind === 'varint') return field.number === 2 ? String(field.value === 1n) : String(field.value)
  return field.number === 4 && field.kind === 'fixed64' ? String(field.value.readDoubleLE(0)) : text(field.value)
}

/** The messages, or texts, in fields with this number. */
function messages(parents: readonly Buffer[], wanted: number): Buffer[] {
  return parents.flatMap(parent =>
    [...protobufFields(parent)].flatMap(({ number, kind, value }) =>
      number === wanted && kind === 'bytes' ? [value] : [],
    ),
  )
}

function text(bytes: Buffer | undefined): string {
  return bytes?.toString('utf8') ?? ''
}
