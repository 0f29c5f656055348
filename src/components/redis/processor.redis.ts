import { messageOf, fieldsOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  defineProcessor,
  evaluated,
  field,
  type Infer,
  type Message,
  perMessage,
  type Resources,
} from '../../engine/index.ts'
import {
  type Argument,
  argumentsOf,
  bodyOf,
  clientFields,
  OnDemandClient,
  type Reply,
  retried,
  retryFields,
  valueOf,
} from './client.ts'

const config = field
  .object({
    ...clientFields,
    command: field.interpolated('The command.').examples('scard', 'incrby', '${! @command }').optional(),
    args_mapping: field
      .mapping('A mapping that returns the array of arguments.')
      .examples('root = [ this.key ]', 'root = [ @kafka_key, this.count ]')
      .optional(),
    operator: field
      .string('The operation.')
      .options({
        incrby: 'Increments the number at `key` by the message, an integer; returns the sum.',
        keys: 'Returns an array of all keys that match the pattern `key`.',
        sadd: 'Adds the message to the set `key`; returns 1 if it was added, 0 if it was already a member.',
        scard: 'Returns the number of members of the set `key`; 0 if it does not exist.',
      })
      .optional()
      .deprecated(),
    key: field.interpolated('The key that the operator applies to.').optional().deprecated(),
    ...retryFields,
  })
  .lint(value => {
    const fields = fieldsOf(value)
    const hasOperator = fields['operator'] !== undefined
    if (hasOperator === (fields['command'] !== undefined)) {
      return "one of 'operator' (old style) or 'command' (new style) fields must be specified"
    }
    return hasOperator && fields['args_mapping'] !== undefined
      ? 'field args_mapping is invalid with an operator set'
      : undefined
  })

type Config = Infer<typeof config>
/** Builds the command for one message. */
type CommandOf = (batch: Batch, index: number) => readonly Argument[]

export default defineProcessor({
  name: 'redis',
  categories: ['Integration'],
  summary: 'Runs a Redis command for each message and replaces the body with the reply.',
  description:
    'A message whose command fails is flagged as failed. For plain key-value access the `cache` processor is simpler. Within a `branch` the reply can be merged into the message instead.',
  config,
  requires: ['redis'],
  needs: ['network'],
  examples: [
    {
      title: 'A running total',
      config: `pipeline:
  processors:
    - branch:
        processors:
          - redis:
              url: redis://localhost:6379
              command: incrby
              args_mapping: root = [ this.name, this.friends_visited ]
        result_map: root.total = this
`,
    },
  ],
  create(options, resources) {
    const { commandOf, resultOf } = commandsOf(options)
    const client = new OnDemandClient(options, resources, 3)
    return {
      waits: true,
      effects: true,
      ...perMessage(async (message, batch, index) => {
        try {
          const command = commandOf(batch, index)
          const reply = await retried(options, resources, `${String(command[0])} command`, () =>
            client.command(command),
          )
          return resultOf(message, reply)
        } catch (error) {
          return flagged(resources, message, error, options.operator)
        }
      }),
      close: () => client.close(),
    }
  },
})

interface Commands {
  readonly commandOf: CommandOf
  readonly resultOf: (message: Message, reply: Reply) => Message
}

function commandsOf({ command, args_mapping: mapping, operator, key }: Config): Commands {
  if (operator !== undefined)
    return operatorCommands(operator, (batch, index) => evaluated('key', () => key?.eval(batch, index) ?? ''))
  if (command === undefined || mapping === undefined || mapping === null) {
    throw new ConfigError('either a command & args_mapping or operator must be set')
  }
  const argumentsFor = (batch: Batch, index: number): readonly Argument[] => {
    let result: Value
    try {
      result = mapping.run(batch, index)
    } catch (error) {
      throw new Error(`args mapping failed: ${messageOf(error)}`, { cause: error })
    }
    return argumentsOf(result)
  }
  return {
    commandOf: (batch, index) => {
      const args = argumentsFor(batch, index)
      return [evaluated('command', () => command.eval(batch, index)), ...args]
    },
    resultOf(message, reply) {
      if (reply === null) throw new Error('redis: nil')
      return message.withDocument(valueOf(reply))
    },
  }
}

function operatorCommands(operator: string, keyOf: (batch: Batch, index: number) => string): Commands {
  const number = (message: Message, reply: Reply) => message.withText(String(reply))
  const upper = operator.toUpperCase()
  switch (operator) {
    case 'keys':
      return {
        commandOf: (batch, index) => [upper, keyOf(batch, index)],
        resultOf: (message, reply) => message.withDocument(valueOf(reply)),
      }
    case 'scard':
      return { commandOf: (batch, index) => [upper, keyOf(batch, index)], resultOf: number }
    case 'sadd':
      return { commandOf: (batch, index) => [upper, keyOf(batch, index), bodyOf(batch[index]!)], resultOf: number }
    case 'incrby':
      return {
        commandOf: (batch, index) => [upper, keyOf(batch, index), integerOf(batch[index]!)],
        resultOf: number,
      }
    default:
      throw new ConfigError(`operator not recognised: ${operator}`)
  }
}

function integerOf(message: Message): string {
  const text = message.text()
  if (/^[+-]?\d{1,19}$/.test(text)) return text
  throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function flagged(resources: Resources, message: Message, error: unknown, operator: string | undefined): Message {
  const reason = messageOf(error)
  if (operator === undefined || reason.startsWith('key interpolation error')) return resources.fail(message, error)
  return resources.fail(message, new Error(`redis operator failed: ${reason}`, { cause: error }))
}
