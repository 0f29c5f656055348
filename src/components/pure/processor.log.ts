import { type LogLevel, messageOf } from '../../base/index.ts'
import { isObject, type Mapping, NOTHING, typeOf, type Value } from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, forEachMessage, type Message } from '../../engine/index.ts'
import { plainJson } from './plain.ts'

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error']

export default defineProcessor({
  name: 'log',
  namesFailures: true,
  categories: ['Utility'],
  summary: 'Logs a line for each message, which passes through unchanged.',
  config: field.object({
    level: field
      .string('The log level.')
      .default('INFO')
      .options({ FATAL: '', ERROR: '', WARN: '', INFO: '', DEBUG: '', TRACE: '', ALL: '' }, false),
    fields_mapping: field
      .mapping('A mapping that returns an object with fields of the line.')
      .optional()
      .examples('root.reason = "cus I wana"\nroot.id = this.id'),
    message: field.interpolated('The message text of the line.').default(''),
    fields: field.interpolated('Additional fields of the line.').map().optional().deprecated(),
  }),
  create(config, resources) {
    const level = config.level.toLowerCase() as LogLevel // or rejected in the next line
    if (!LEVELS.includes(level)) throw new ConfigError(`log level not recognised: ${config.level.toUpperCase()}`)
    const { log } = resources
    const write = (message: Message, view: readonly Message[], index: number) => {
      let target = log
      try {
        const fields = config.fields_mapping ? fieldsOf(config.fields_mapping, message, view, index) : undefined
        if (fields !== undefined) target = target.with(fields)
      } catch (error) {
        log.error(`Failed to execute fields mapping: ${messageOf(error)}`)
        return
      }
      for (const [key, value] of Object.entries(config.fields ?? {})) {
        try {
          target = target.with({ [key]: value.eval(view, index) })
        } catch (error) {
          log.error(`Field ${key} interpolation error: ${messageOf(error)}`)
          return
        }
      }
      try {
        target.log(level, config.message.static ?? config.message.eval(view, index))
      } catch (error) {
        log.error(`Message interpolation error: ${messageOf(error)}`)
      }
    }
    if (!log.enabled(level)) return { process: batch => [batch], processRun: run => run }
    return { ...forEachMessage(write), effects: true }
  },
})

function fieldsOf(
  mapping: Mapping,
  message: Message,
  view: readonly Message[],
  index: number,
): Record<string, unknown> {
  const result = mapping.run(view, index)
  const value: Value = result === NOTHING ? message.structured() : result
  if (!isObject(value)) throw new Error(`Fields mapping yielded a non-object result: ${typeOf(value)}`)
  return plainJson(value) as Record<string, unknown> // the mapping has been checked to return an object
}
