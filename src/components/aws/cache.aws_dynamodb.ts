import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { backoffField, type Cache, defineCache, field, withBackoff } from '../../engine/index.ts'
import { isFinal } from './retries.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineCache({
  name: 'aws_dynamodb',
  summary: 'Stores each item in a DynamoDB table: its key as a string, its value as bytes.',
  description: `Expiry needs \`ttl_key\`, and a table with TTL enabled on that column. DynamoDB removes expired items in the background, within days; until then they are still found, as in the original.

${credentialsHelp}`,
  config: awsConfig({
    table: field.string('The name of the table.'),
    hash_key: field.string('The column that holds the key.'),
    data_key: field.string('The column that holds the value.'),
    consistent_read: field.bool('Whether reads are strongly consistent.').default(false).advanced(),
    default_ttl: field.duration('The time to live of items stored without one.').optional().advanced(),
    ttl_key: field.string('The column that holds the expiry time of an item.').optional().advanced(),
    retries: backoffField('The intervals between attempts of a failed operation.'),
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
