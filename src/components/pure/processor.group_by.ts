import { messageOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import { type Batch, type Chain, defineProcessor, field, type Message } from '../../engine/index.ts'

export default defineProcessor({
  name: 'group_by',
  namesFailures: true,
  categories: ['Composition'],
  summary: 'Splits a batch into one for each group whose check a message passes, and one for the remaining messages.',
  config: field
    .object({
      check: field.mapping('The condition of the group.').examples('this.type == "foo"', 'true'),
      processors: field.processors('The processors applied to the batch of the group.').default([]),
    })
    .list(),
  async create(config, resources) {
    const groups: { readonly check: Mapping | null; readonly chain: Chain }[] = []
    for (const { check, processors } of config) groups.push({ check, chain: await resources.chain(processors) })
    const groupOf = (messages: readonly Message[], index: number) =>
      groups.findIndex(({ check }, number) => {
        try {
          return check === null || check.check(messages, index)
        } catch (error) {
          resources.log.error(`Failed to test group ${number}: ${messageOf(error)}`)
          return false
        }
      })
    return {
      waits: groups.some(({ chain }) => chain.waits),
      effects: groups.some(({ chain }) => chain.effects),
      process: async messages => {
        const members: Message[][] = groups.map(() => [])
        const rest: Message[] = []
        for (const [index, message] of messages.entries()) (members[groupOf(messages, index)] ?? rest).push(message)
        const results: Batch[] = []
        for (const [number, group] of members.entries()) {
          if (group.length > 0) results.push(...(await groups[number]!.chain.process(group)))
        }
        if (rest.length > 0) results.push(rest)
        return results
      },
      async close() {
        for (const { chain } of groups) await chain.close()
      },
    }
  },
})
