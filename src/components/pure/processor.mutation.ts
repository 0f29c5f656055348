import { DELETED, type Mapping, type MetadataDraft, NOTHING } from '../../bloblang/index.ts'
import { defineProcessor, field, type Message } from '../../engine/index.ts'
import { MappingProcessor } from './mapping-processor.ts'

export default defineProcessor({
  name: 'mutation',
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

class MutationProcessor extends MappingProcessor {
  protected override map(
    mapping: Mapping,
    message: Message,
    view: readonly Message[],
    index: number,
    draft: MetadataDraft,
  ): Message | null {
    try {
      const value = mapping.runOnto(view, index, draft)
      if (value === DELETED) return null
      return value === NOTHING
        ? message.withMetadata(draft.current)
        : message.withValueAndMetadata(value, draft.current)
    } catch (error) {
      this.resources.log.error((error as { message: string }).message)
      // What was assigned before the failure stays.
      const { reached } = mapping
      const changed = message.withMetadata(draft.current)
      return this.resources.fail(reached === NOTHING ? changed : changed.withDocument(reached), error)
    }
  }
}
