import { defineInput, field } from '../../engine/index.ts'

export default defineInput({
  name: 'resource',
  categories: ['Utility'],
  summary: 'Reads from an input defined in `input_resources`.',
  config: field.string('The label of the resource.').default(''),
  composes: true,
  replays: false,
  create(label, resources) {
    const input = resources.inputResource(label)
    return { read: signal => input.next(signal), ending: input }
  },
})
