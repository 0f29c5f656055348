import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { backoffField, type Cache, defineCache, field, withBackoff } from '../../engine/index.ts'
import { isFinal } from './retries.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineCache({
  name: 'aws_dynamodb',
  summary: 'Keeps each item as one of a DynamoDB table: its key as text, its value as bytes.',
  description: `A time to live needs \`ttl_key\`, and a table with it enabled for that column. DynamoDB deletes what is out of date when it gets to it, within days; until then it is still found, as in the original.

${credentialsHelp}`,
  config: awsConfig({
    table: field.string('The table.'),
    hash_key: field.string('The column of the key.'),
    data_key: field.string('The column of the value.'),
    consistent_read: field.bool('Whether reads see every write before them.').default(false).advanced(),
    default_ttl: field.duration('How long items live that are stored without a time to live.').optional().advanced(),
    ttl_key: field.string('The column of the time at which an item expires.').optional().advanced(),
    retries: backoffField('The pauses between the attempts of an operation that fails.'),
    ...sessionFields,
  }),
  needs: ['network'],
  requires: ['@aws-sdk/client-dynamodb'],
  create(config, resources): Cache {
    const { table: TableName, hash_key: hashKey, data_key: dataKey, ttl_key: ttlKey, retries } = config
    const session = new AwsSession(config, resources)
    let opened: Promise<{ library: typeof import('@aws-sdk/client-dynamodb'); client: DynamoDBClient }> | undefined
    const open = async () => {
      const library = (await import('@aws-sdk/client-dynamodb')).default
      return { library, client: new library.DynamoDBClient(await session.clientOptions('DYNAMODB')) }
    }
    type Opened = Awaited<ReturnType<typeof open>>
    const run = <T>(operation: (opened: Opened) => Promise<T>) =>
      withBackoff(
        retries,
        resources,
        async () => {
          opened ??= open().catch((error: unknown) => {
            opened = undefined
            throw error
          })
          return operation(await opened)
        },
        isFinal,
      )
    const itemOf = (key: string, value: Uint8Array, ttlMs = config.default_ttl): Record<string, AttributeValue> => ({
      [hashKey]: { S: key },
      [dataKey]: { B: value },
      ...(ttlMs !== undefined &&
        ttlKey !== undefined && { [ttlKey]: { N: String(Math.floor((resources.clock.now() + ttlMs) / 1000)) } }),
    })
    return {
      async get(key) {
        const { Item } = await run(({ library, client }) =>
          client.send(
            new library.GetItemCommand({
              TableName,
              Key: { [hashKey]: { S: key } },
              ConsistentRead: config.consistent_read,
            }),
          ),
        )
        return Item?.[dataKey]?.B
      },
      async set(key, value, ttlMs) {
        const Item = itemOf(key, value, ttlMs)
        await run(({ library, client }) => client.send(new library.PutItemCommand({ TableName, Item })))
      },
      async add(key, value, ttlMs) {
        const put = {
          TableName,
          Item: itemOf(key, value, ttlMs),
          ConditionExpression: 'attribute_not_exists(#key)',
          ExpressionAttributeNames: { '#key': hashKey },
        }
        try {
          await run(({ library, client }) => client.send(new library.PutItemCommand(put)))
          return true
        } catch (error) {
          if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false
          throw error
        }
      },
      async delete(key) {
        const Key = { [hashKey]: { S: key } }
        await run(({ library, client }) => client.send(new library.DeleteItemCommand({ TableName, Key })))
      },
      async close() {
        const last = await opened?.catch(() => undefined)
        last?.client.destroy()
      },
    }
  },
})
