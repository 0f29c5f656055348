import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, type Message } from '../../engine/index.ts'

export default defineProcessor({
  name: 'group_by_value',
  namesFailures: true,
  categories: ['Composition'],
  summary: 'Splits a batch into one batch for each value of an interpolated string.',
  config: field.object({
    value: field
      .interpolated('The interpolated string.')
      .examples('${! metadata("kafka_key") }', '${! json("foo.bar") }-${! metadata("baz") }'),
  }),
  create: ({ value }, resources) => ({
    process: messages => {
      const groups = new Map<string, Message[]>()
      for (const [index, message] of messages.entries()) {
        let key = ''
        let member = message
        try {
          key = value.eval(messages, index)
        } catch (error) {
          const text = `group value interpolation error: ${messageOf(error)}`
          resources.log.error(`Group value interpolation error: ${messageOf(error)}`)
          member = resources.fail(message, text)
        }
        const group = groups.get(key)
        if (group === undefined) groups.set(key, [member])
        else group.push(member)
      }
      return [...groups.values()]
    },
  }),
})
