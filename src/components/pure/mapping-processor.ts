import { DELETED, type Mapping, MetadataDraft, NOTHING } from '../../bloblang/index.ts'
import { type Batch, mapMessages, type Message, type Processor, type Resources } from '../../engine/index.ts'

/** Maps each message to a new one; a message whose mapping fails stays as it was and is flagged. */
export class MappingProcessor implements Processor {
  readonly #mapping: Mapping | null
  readonly #draft = new MetadataDraft()
  readonly #resources: Resources
  readonly effects: boolean

  constructor(mapping: Mapping | null, resources: Resources) {
    this.#mapping = mapping
    this.effects = mapping?.impure === true
    this.#resources = resources
  }

  process(batch: Batch): readonly Batch[] {
    const mapping = this.#mapping
    if (mapping === null) return [batch]
    return mapMessages(batch, (message, view, index) =>
      this.#map(mapping, message, view, index, this.#draft.reset(message.metadata)),
    )
  }

  /** The new message, or null where it was deleted. */
  #map(
    mapping: Mapping,
    message: Message,
    view: readonly Message[],
    index: number,
    draft: MetadataDraft,
  ): Message | null {
    try {
      const value = mapping.run(view, index, draft)
      if (value === DELETED) return null
      if (value === NOTHING) return draft.changed ? message.withMetadata(draft.current) : message
      return message.withValueAndMetadata(value, draft.current)
    } catch (error) {
      this.#resources.log.error((error as { message: string }).message)
      return this.#resources.fail(message, error)
    }
  }
}
