import type { BatchPolicy } from './component.ts'
import { type Field, field } from './fields.ts'

/** A `batching` block. */
export const batchingField = field.object(
  {
    count: field.int('The number of messages that completes a batch; 0 means no such limit.').default(0),
    byte_size: field.int('The number of bytes that completes a batch; 0 means no such limit.').default(0),
    period: field.duration('How long an incomplete batch waits.').default(''),
    jitter: field
      .float('The maximum fraction of the period by which it is extended at random.')
      .default(0)
      .lint(value => (Number(value) < 0 ? 'Cannot set a negative jitter factor' : undefined)),
    check: field.mapping('A condition that completes a batch when the newest message satisfies it.').default(''),
    processors: field
      .processors('Processors applied to complete batches; their results form a single batch.')
      .advanced()
      .optional(),
  },
  'How messages are collected into batches.',
) as Field<BatchPolicy>

/** Whether rejected messages are redelivered. */
export const autoReplayNacksField = field
  .bool('Whether messages rejected downstream are redelivered rather than dropped.')
  .default(true)

/** How many batches an output writes concurrently. */
export const maxInFlightField = (count: number) =>
  field.int('The maximum number of batches in flight; 1 preserves their order.').default(count)
