import { messageOf } from '../../base/index.ts'
import { createHash } from 'node:crypto'
import type { Mapping, Value } from '../../bloblang/index.ts'
import { type Batch, ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { type Argument, argumentsOf, clientFields, OnDemandClient, retried, retryFields, valueOf } from './client.ts'

export default defineProcessor({
  name: 'redis_script',
  categories: ['Integration'],
  summary: 'Runs a Lua script in Redis for each message and replaces the body with the reply.',
  description:
    'A message whose script fails is flagged as failed. Within a `branch` the reply can be merged into the message instead.',
  config: field.object({
    ...clientFields,
    script: field.string('The script.').examples("return redis.call('set', KEYS[1], ARGV[1])"),
    args_mapping: field
      .mapping("A mapping that returns the array of arguments, the script's `ARGV`.")
      .examples('root = [ this.key ]', 'root = [ @kafka_key, "hardcoded_value" ]'),
    keys_mapping: field
      .mapping('A mapping that returns the array of keys that the script uses, its `KEYS`.')
      .examples('root = [ this.key ]', 'root = [ @kafka_key, this.count ]'),
    ...retryFields,
  }),
  requires: ['redis'],
  needs: ['network'],
  examples: [
    {
      title: 'Taking the least recently used element of a sorted set',
      config: `pipeline:
  processors:
    - redis_script:
        url: redis://localhost:6379
        script: |
          local found = redis.call("ZRANGE", KEYS[1], 0, 0)
          if next(found) == nil then
            return ""
          end
          redis.call("ZADD", KEYS[1], "XX", ARGV[1], found[1])
          return found[1]
        keys_mapping: root = [ @key ]
        args_mapping: root = [ timestamp_unix_nano() ]
`,
    },
  ],
  create(config, resources) {
    const { script: text, args_mapping: args, keys_mapping: keys } = config
    if (args === null || keys === null) throw new ConfigError('args_mapping and keys_mapping must be set')
    const script = { text, sha1: createHash('sha1').update(text).digest('hex') }
    const client = new OnDemandClient(config, resources, 3)
    return {
      waits: true,
      effects: true,
      ...perMessage(async (message, batch, index) => {
        try {
          const argv = listOf('args_mapping', args, batch, index)
          const keyList = listOf('keys_mapping', keys, batch, index)
          const reply = await retried(config, resources, 'script', () => client.script(script, keyList, argv))
          if (reply === null) throw new Error('redis: nil')
          return message.withDocument(valueOf(reply))
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
      close: () => client.close(),
    }
  },
})

function listOf(name: string, mapping: Mapping, batch: Batch, index: number): readonly Argument[] {
  try {
    return argumentsOf(runMapping(mapping, batch, index))
  } catch (error) {
    throw new Error(`${name} failed: ${messageOf(error)}`, { cause: error })
  }
}

function runMapping(mapping: Mapping, batch: Batch, index: number): Value {
  try {
    return mapping.run(batch, index)
  } catch (error) {
    throw new Error(`mapping failed: ${messageOf(error)}`, { cause: error })
  }
}
