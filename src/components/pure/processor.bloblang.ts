import { defineProcessor, field } from '../../engine/index.ts'
import { MappingProcessor } from './mapping-processor.ts'

export default defineProcessor({
  name: 'bloblang',
  namesFailures: true,
  status: 'stable',
  categories: ['Mapping', 'Parsing'],
  summary: 'The former name of `mapping`.',
  config: field.mapping('The mapping.').default(''),
  create: (mapping, resources) => new MappingProcessor(mapping, resources),
})
