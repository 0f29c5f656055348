import { defineOutput, field } from '../../engine/index.ts'

export default defineOutput({
  name: 'resource',
  categories: ['Utility'],
  summary: 'Writes to an output defined in `output_resources`.',
  config: field.string('The label of the resource.').default(''),
  maxInFlight: 64,
  composes: true,
  create(label, resources) {
    const output = resources.outputResource(label)
    return { write: batch => output.write(batch), forwardRun: (run, settle) => output.forwardRun(run, settle) }
  },
})
