import { messageOf } from '../../base/index.ts'
import {
  type BodyProjector,
  DELETED,
  jsonBytes,
  type Mapping,
  type MessageFailure,
  type MessageView,
  MetadataDraft,
  NOTHING,
  type Value,
} from '../../bloblang/index.ts'
import {
  type Batch,
  defineProcessor,
  field,
  kept,
  type Message,
  type Processor,
  type Resources,
} from '../../engine/index.ts'

export default defineProcessor({
  name: 'mutation',
  namesFailures: true,
  categories: ['Mapping', 'Parsing'],
  summary: 'Modifies each message with Bloblang.',
  description:
    'Like `mapping`, except that `root` starts as the document of the message, so unassigned fields are kept.',
  config: field.mapping('The mapping.'),
  examples: [
    {
      title: 'Adding a field',
      config: 'mutation: root.total = this.price * this.count\n',
      input: ['{"price":2,"count":3}'],
      output: ['{"count":3,"price":2,"total":6}'],
    },
  ],
  create: (mapping, resources) => new MutationProcessor(mapping, resources),
})

class MutationProcessor implements Processor {
  readonly #mapping: Mapping | null
  readonly #resources: Resources
  readonly #draft = new MetadataDraft()
  readonly effects: boolean

  constructor(mapping: Mapping | null, resources: Resources) {
    this.#mapping = mapping
    this.effects = mapping?.impure === true
    this.#resources = resources
  }

  process(batch: Batch): readonly Batch[] {
    const mapping = this.#mapping
    if (mapping === null) return [batch]
    const views: MessageView[] = [...batch]
    const results = batch.map((message, index) => {
      const draft = this.#draft.reset(message.metadata)
      const result = this.#mutate(mapping, message, views, index, draft)
      // Later messages of the batch see its current state, even if it is dropped.
      views[index] = result ?? reachedMessage(mapping, message, draft)
      return result
    })
    return kept(results)
  }

  processRun(run: readonly Message[]): readonly (Message | null)[] {
    const mapping = this.#mapping
    if (mapping === null) return run
    const results: (Message | null)[] = []
    const views: MessageView[] = []
    for (let i = 0; i < run.length; i++) {
      results.push(this.#mutate(mapping, run[i]!, views, 0, this.#draft.reset(run[i]!.metadata)))
    }
    return results
  }

  /**
   * The new message, or null if it was deleted. While the mapping runs, `views[index]` shows the message's current
   * state.
   */
  #mutate(
    mapping: Mapping,
    message: Message,
    views: MessageView[],
    index: number,
    draft: MetadataDraft,
  ): Message | null {
    views[index] = new MutatedMessage(message, mapping, draft)
    try {
      const value = mapping.mutate(views, index, draft)
      if (value === DELETED) return null
      return value === NOTHING
        ? message.withMetadata(draft.current)
        : message.withValueAndMetadata(value, draft.current)
    } catch (error) {
      this.#resources.log.error(messageOf(error))
      // Assignments made before the failure are kept.
      return this.#resources.fail(reachedMessage(mapping, message, draft), error)
    }
  }
}

/** The message in the state that an unfinished mutation has reached. */
function reachedMessage({ reached }: Mapping, message: Message, draft: MetadataDraft): Message {
  const changed = message.withMetadata(draft.current)
  return reached === NOTHING ? changed : changed.withDocument(reached)
}

/** A message during its mutation: its functions (`meta`, `json`, `content` …) see what has been assigned so far. */
class MutatedMessage implements MessageView {
  readonly #message: Message
  readonly #mapping: Mapping
  readonly #draft: MetadataDraft
  /** The document as of the first time its bytes were requested. */
  #bytes: Uint8Array | null = null

  constructor(message: Message, mapping: Mapping, draft: MetadataDraft) {
    this.#message = message
    this.#mapping = mapping
    this.#draft = draft
  }

  get metadata(): ReadonlyMap<string, Value> {
    return this.#draft.current
  }

  get error(): MessageFailure | null {
    return this.#message.error
  }

  bytes(): Uint8Array {
    const { reached } = this.#mapping
    return reached === NOTHING ? this.#message.bytes() : (this.#bytes ??= jsonBytes(reached))
  }

  project(projector: BodyProjector): Value | null {
    return this.#mapping.reached === NOTHING ? this.#message.project(projector) : null
  }

  structured(): Value {
    const { reached } = this.#mapping
    return reached === NOTHING ? this.#message.structured() : reached
  }
}
