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
  summary: 'Changes each message with Bloblang.',
  description: 'As `mapping`, but `root` starts as the document of the message, so that what is not assigned stays.',
  config: field.mapping('The mapping.'),
  examples: [
    {
      title: 'One field more',
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
      // The messages behind it see what has become of it, even where it is dropped.
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

  /** The new message, or null where it was deleted. It stands in its view at `index` while it is made. */
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
      // What was assigned before the failure stays.
      return this.#resources.fail(reachedMessage(mapping, message, draft), error)
    }
  }
}

/** The message as far as a mutation that did not end has brought it. */
function reachedMessage({ reached }: Mapping, message: Message, draft: MetadataDraft): Message {
  const changed = message.withMetadata(draft.current)
  return reached === NOTHING ? changed : changed.withDocument(reached)
}

/** A message while it is mutated: its functions (`meta`, `json`, `content` …) see what was assigned so far. */
class MutatedMessage implements MessageView {
  readonly #message: Message
  readonly #mapping: Mapping
  readonly #draft: MetadataDraft
  /** The document as it was when it was first asked for as bytes. */
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
