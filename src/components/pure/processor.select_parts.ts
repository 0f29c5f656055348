import { defineProcessor, field } from '../../engine/index.ts'

export default defineProcessor({
  name: 'select_parts',
  namesFailures: true,
  categories: ['Utility'],
  summary: 'Selects messages of each batch by index.',
  config: field.object({
    parts: field.int('The indexes, in the order of the result; negative ones count from the end.').list().default([]),
  }),
  create: ({ parts }) => ({
    process: messages => {
      const kept = parts.map(index => messages.at(index)).filter(message => message !== undefined)
      return kept.length === 0 ? [] : [kept]
    },
  }),
})
