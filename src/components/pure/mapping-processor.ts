import { messageOf } from '../../base/index.ts'
import { DELETED, type Mapping, MetadataDraft, NOTHING } from '../../bloblang/index.ts'
import { type Batch, kept, type Message, type Processor, type Resources } from '../../engine/index.ts'

/** Maps each message to a new one; a message whose mapping fails is left unchanged and flagged as failed. */
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
    return kept(batch.map((message, index) => this.#map(mapping, message, batch, index)))
  }

  processRun(run: readonly Message[]): readonly (Message | null)[] {
    const mapping = this.#mapping
    if (mapping === null) return run
    const results: (Message | null)[] = []
    for (let i = 0; i < run.length; i++) results.push(this.#map(mapping, run[i]!, [run[i]!], 0))
    return results
  }

  /** The new message, or null if it was deleted. */
  #map(mapping: Mapping, message: Message, batch: Batch, index: number): Message | null {
    const draft = this.#draft.reset(message.metadata)
    try {
      const value = mapping.patch(batch, index, draft)
      if (value === DELETED) return null
      if (value === NOTHING) return draft.changed ? message.withMetadata(draft.current) : message
      return message.withValueAndMetadata(value, draft.current)
    } catch (error) {
      this.#resources.log.error(messageOf(error))
      return this.#resources.fail(message, error)
    }
  }
}
