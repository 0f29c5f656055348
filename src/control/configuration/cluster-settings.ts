import { ControlError } from '../errors.ts'

/** A setting of a cluster in Kafka's spelling, and how its values are read. */
interface SettingRule {
  readonly read: (text: string) => string | undefined
  /** The setting under which it is stored; its value is multiplied by `factor`. */
  readonly alias?: { readonly name: string; readonly factor: number }
}

const boolean: SettingRule = {
  read: text => (/^(true|false)$/i.test(text) ? text.toLowerCase() : undefined),
}

const whole = (minimum: number): SettingRule => ({
  read: text => (/^-?\d{1,18}$/.test(text) && Number(text) >= minimum ? String(BigInt(text)) : undefined),
})

const minutesOf = (name: string, factor: number): SettingRule => ({ ...whole(-1), alias: { name, factor } })

/** The settings that `update_virtual_cluster_configuration` accepts in `broker_configs`, named as in the original. */
const rules: Readonly<Record<string, SettingRule>> = {
  'auto.create.topics.enable': boolean,
  'delete.topic.enable': boolean,
  'log.retention.ms': whole(-1),
  'log.retention.minutes': minutesOf('log.retention.ms', 60_000),
  'log.retention.hours': minutesOf('log.retention.ms', 3_600_000),
  'message.max.bytes': whole(0),
  'num.partitions': whole(1),
  'offsets.retention.minutes': whole(1),
  'warpstream.default.topic.type': {
    read: text => (['classic', 'lightning'].includes(text.toLowerCase()) ? text.toLowerCase() : undefined),
  },
  'warpstream.soft.delete.topic.enable': boolean,
  'warpstream.soft.delete.topic.ttl.ms': whole(0),
  'warpstream.soft.delete.topic.ttl.hours': minutesOf('warpstream.soft.delete.topic.ttl.ms', 3_600_000),
}

/**
 * The settings under their canonical names and in canonical form. Throws `invalid_request` for unknown or invalid ones.
 */
export function canonicalSettings(written: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  for (const [name, text] of Object.entries(written)) {
    const rule = rules[name]
    if (rule === undefined) {
      const known = Object.keys(rules).join(', ')
      throw new ControlError('invalid_request', `unsupported cluster config "${name}": known are ${known}`)
    }
    const value = rule.read(text)
    if (value === undefined)
      throw new ControlError(
        'invalid_request',
        `invalid cluster config "${name}": ${JSON.stringify(text)} is not a valid value`,
      )
    if (rule.alias === undefined) settings.set(name, value)
    else settings.set(rule.alias.name, value === '-1' ? value : String(BigInt(value) * BigInt(rule.alias.factor)))
  }
  return settings
}
