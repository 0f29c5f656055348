import { defineProcessor, field } from '../../engine/index.ts'

export default defineProcessor({
  name: 'resource',
  unmeasured: true,
  categories: ['Utility'],
  summary: 'Runs a processor defined in `processor_resources`.',
  config: field.string('The label of the resource.').default(''),
  create: (label, resources) => resources.processorResource(label),
})
