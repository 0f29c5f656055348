import { ConfigError, defineInput, field, type InputHandle } from '../../engine/index.ts'

export default defineInput({
  name: 'sequence',
  categories: ['Utility'],
  summary: 'Reads inputs one after the other, each until it ends.',
  config: field.object({
    sharded_join: field
      .object({
        type: field
          .string('How documents of different inputs are joined.')
          .default('none')
          .options({ none: '', 'full-outer': '', outer: '', 'full-outter': '', outter: '' })
          .advanced(),
        id_path: field.string('The path of the id that documents are joined by.').default('').advanced(),
        iterations: field.int('Over how many passes the ids are spread.').default(1).advanced(),
        merge_strategy: field
          .string('What becomes of fields that both documents have.')
          .default('array')
          .options({ array: '', replace: '', keep: '' })
          .advanced(),
      })
      .advanced(),
    inputs: field.input('The inputs, in order.').list(),
  }),
  composes: true,
  replays: false,
  create(config, resources) {
    if (config.inputs.length === 0) throw new ConfigError('requires at least one child input')
    if (config.sharded_join.type !== 'none') throw new ConfigError('sharded joins are not supported by Penstock yet')
    const rest = [...config.inputs]
    let current: InputHandle | null = null
    return {
      async read(signal) {
        for (;;) {
          if (current === null) {
            const next = rest.shift()
            if (next === undefined) return null
            current = await resources.input(next)
          }
          const delivery = await current.next(signal)
          if (delivery !== null) return delivery
          await current.close()
          current = null
          if (signal.aborted) return null
        }
      },
    }
  },
})
