import type { BatchStatementRequest, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { compileInterpolation } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  defineProcessor,
  evaluated,
  field,
  type Message,
  type Processor,
  type Resources,
} from '../../engine/index.ts'
import { attributeOfForm, formOf } from './dynamodb-values.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineProcessor({
  name: 'aws_dynamodb_partiql',
  categories: ['Integration'],
  summary: 'Runs a PartiQL statement for each message.',
  description: `A message is replaced by the item that its statement returned, as a typed document (\`{"foo":{"S":"text"}}\`); it is unchanged if the statement returned none. Messages whose statement fails are flagged as failed. Up to 25 statements are sent per request.

${credentialsHelp}`,
  config: awsConfig({
    query: field.string('The statement.'),
    unsafe_dynamic_query: field
      .bool('Whether the statement is interpolated, which lets message content alter the statement itself.')
      .default(false)
      .advanced(),
    args_mapping: field
      .mapping('A mapping that returns the array of parameters, each with its type.')
      .default('')
      .examples('root = [ { "S": this.foo }, { "N": this.count.string() } ]'),
    ...sessionFields,
  }),
  needs: ['network'],
  requires: ['@aws-sdk/client-dynamodb'],
  examples: [
    {
      title: 'Insert',
      config: `pipeline:
  processors:
    - aws_dynamodb_partiql:
        query: INSERT INTO footable VALUE {'foo':?,'bar':?}
        args_mapping: |
          root = [
            { "S": this.foo },
            { "S": metadata("kafka_topic") },
          ]
`,
    },
  ],
  create(config, resources): Processor {
    const session = new AwsSession(config, resources)
    const queryOf = config.unsafe_dynamic_query ? dynamicQuery(config.query, resources) : () => config.query
    let opened: Promise<{ library: typeof import('@aws-sdk/client-dynamodb'); client: DynamoDBClient }> | undefined
    const open = async () => {
      const library = (await import('@aws-sdk/client-dynamodb')).default
      return { library, client: new library.DynamoDBClient(await session.clientOptions('DYNAMODB')) }
    }

    const statementOf = (batch: Batch, index: number): BatchStatementRequest => {
      const args = config.args_mapping?.run(batch, index) ?? []
      if (!Array.isArray(args)) throw new Error('arg mapping resulted in non-array value')
      const Parameters = args.map(attributeOfForm)
      const Statement = evaluated('query', () => queryOf(batch, index))
      return { Statement, ...(Parameters.length > 0 && { Parameters }) }
    }

    /** Runs the statements of some messages of a batch, given by index. */
    const execute = async (batch: Batch, places: readonly number[], results: Message[]): Promise<void> => {
      const statements: { readonly place: number; readonly statement: BatchStatementRequest }[] = []
      for (const place of places) {
        try {
          statements.push({ place, statement: statementOf(batch, place) })
        } catch (error) {
          results[place] = resources.fail(batch[place]!, error)
        }
      }
      if (statements.length === 0) return
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      try {
        const { library, client } = await opened
        const { Responses = [] } = await client.send(
          new library.BatchExecuteStatementCommand({ Statements: statements.map(({ statement }) => statement) }),
          { abortSignal: resources.signal },
        )
        for (const [index, { place }] of statements.entries()) {
          const message = batch[place]!
          const { Error: failure, Item } = Responses[index] ?? { Error: { Message: 'no answer came' } }
          if (failure !== undefined) {
            const code = failure.Code === undefined ? '' : ` (${failure.Code})`
            results[place] = resources.fail(
              message,
              new Error(`failed to process statement${code}: ${failure.Message}`),
            )
          } else if (Item !== undefined) {
            const document = Object.entries(Item).map(([key, value]) => [key, formOf(value)] as const)
            results[place] = message.withDocument(Object.fromEntries(document))
          }
        }
      } catch (error) {
        for (const { place } of statements) results[place] = resources.fail(batch[place]!, error)
      }
    }

    return {
      waits: true,
      async process(batch) {
        const results = [...batch]
        const places = batch.map((_, index) => index)
        for (let first = 0; first < places.length; first += MAX_STATEMENTS) {
          await execute(batch, places.slice(first, first + MAX_STATEMENTS), results)
        }
        return [results]
      },
      async close() {
        const last = await opened?.catch(() => undefined)
        last?.client.destroy()
      },
    }
  },
})

/** Limit of one request. */
const MAX_STATEMENTS = 25

function dynamicQuery(text: string, { host, log }: Resources): (batch: Batch, index: number) => string {
  log.warn('using unsafe_dynamic_query leaves you vulnerable to SQL injection attacks')
  const { interpolation, diagnostics } = compileInterpolation(text, { host })
  if (interpolation === undefined) {
    throw new ConfigError(`failed to parse interpolated field: ${diagnostics[0]!.text}`)
  }
  return (batch, index) => interpolation.eval(batch, index)
}
