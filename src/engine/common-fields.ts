import type { BatchPolicy } from './component.ts'
import { type Field, field } from './fields.ts'

/** A `batching` block. */
export const batchingField = field.object(
  {
    count: field.int('Messages that complete a batch; 0 for no such limit.').default(0),
    byte_size: field.int('Bytes that complete a batch; 0 for no such limit.').default(0),
    period: field.duration('The longest time that an incomplete batch waits.').default(''),
    jitter: field
      .float('A share of the period, at most, by which it is lengthened at random.')
      .default(0)
      .lint(value => (Number(value) < 0 ? 'Cannot set a negative jitter factor' : undefined)),
    check: field.mapping('A condition on the newest message that completes a batch.').default(''),
    processors: field
      .processors('Processors for complete batches; what they yield is one batch again.')
      .advanced()
      .optional(),
  },
  'How messages are collected into batches.',
) as Field<BatchPolicy>

/** Whether rejected messages are redelivered. */
export const autoReplayNacksField = field
  .bool('Whether messages that were refused downstream are delivered again, or dropped.')
  .default(true)

/** How many batches an output writes concurrently. */
export const maxInFlightField = (count: number) =>
  field.int('Batches that are written at a time; 1 keeps their order.').default(count)
