import { field } from '../../engine/index.ts'

/** The `batching` block. */
export const batching = field
  .object(
    {
      count: field.int('The messages at which a batch is complete; 0 for no such limit.').default(0),
      byte_size: field.int('The bytes at which a batch is complete; 0 for no such limit.').default(0),
      period: field.duration('How long an incomplete batch may wait.').default(''),
      jitter: field.float('A random share of the period to add to it.').default(0),
      check: field.mapping('Whether the batch is complete with the newest message.').default(''),
      processors: field.processors('What is done with a batch when it is complete.').optional().advanced(),
    },
    'How messages are gathered into batches.',
  )
  .advanced()
