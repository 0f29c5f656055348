import { list, named, oneOf, type Shape, text } from './endpoint.ts'

export const ChangedSubject = oneOf(['agents', 'pipelines', 'pipeline_logs', 'topics', 'consumer_groups', 'overview'])
export type ChangedSubject = Shape<typeof ChangedSubject>

export const ChangedEvent = named(
  'ChangedEvent',
  {
    virtual_cluster_id: text(),
    subjects: list(ChangedSubject),
    pipeline_ids: list(text(), 'The pipelines concerned, when `pipelines` or `pipeline_logs` is among the subjects.'),
  },
  'An event `changed` of the stream `GET /api/v1/events?virtual_cluster_id=…`: what to reload; at most a few per second.',
)
export type ChangedEvent = Shape<typeof ChangedEvent>
