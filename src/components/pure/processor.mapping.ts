import { defineProcessor, field } from '../../engine/index.ts'
import { MappingProcessor } from './mapping-processor.ts'

export default defineProcessor({
  name: 'mapping',
  namesFailures: true,
  categories: ['Mapping', 'Parsing'],
  summary: 'Maps each message to a new one with Bloblang.',
  description:
    'The new message starts empty; what the mapping assigns to `root` becomes its body. If nothing is assigned the body is unchanged, and `root = deleted()` drops the message. A message whose mapping fails is left unchanged and flagged as failed.',
  config: field.mapping('The mapping.'),
  examples: [
    {
      title: 'Creating a new document',
      config: 'mapping: |\n  root.id = this.id\n  root.fans = this.fans.filter(fan -> fan.obsession > 0.5)\n',
      input: ['{"id":"foo","fans":[{"name":"bev","obsession":0.57},{"name":"grace","obsession":0.21}]}'],
      output: ['{"fans":[{"name":"bev","obsession":0.57}],"id":"foo"}'],
    },
  ],
  create: (mapping, resources) => new MappingProcessor(mapping, resources),
})
