import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Clock } from '../../base/index.ts'
import { field, type Infer } from '../../engine/index.ts'

export const leaseTableField = field
  .object(
    {
      table: field.string('The name of the table.').default(''),
      create: field.bool('Whether to create the table if it does not exist.').default(false),
      billing_mode: field
        .string('The billing mode of a table that is created.')
        .options({ PROVISIONED: 'By provisioned capacity.', PAY_PER_REQUEST: 'Per request.' })
        .default('PAY_PER_REQUEST')
        .advanced(),
      read_capacity_units: field.int('The read capacity of a table created with `PROVISIONED`.').default(0).advanced(),
      write_capacity_units: field
        .int('The write capacity of a table created with `PROVISIONED`.')
        .default(0)
        .advanced(),
    },
    'The table that stores which client reads which shard, and up to which position.',
  )
  .optional()

/** A shard owned by a client. */
export interface Lease {
  readonly shardId: string
  /** When it expires unless it is renewed, in milliseconds since 1970. */
  readonly until: number
}

/** The rows of a stream's shards. */
export interface LeaseTable {
  /** Shards with a row, whether owned or not. */
  readonly known: ReadonlySet<string>
  readonly byClient: ReadonlyMap<string, readonly Lease[]>
}

/** The position up to which a shard was read: a sequence number, empty if it was not read yet. */
export interface Claim {
  readonly sequence: string
  /** When the previous client's lease expires; 0 if there was none. */
  readonly formerLeaseUntil: number
}

interface LeaseOptions {
  readonly library: typeof import('@aws-sdk/client-dynamodb')
  readonly client: DynamoDBClient
  readonly clientId: string
  readonly leaseMs: number
  readonly clock: Clock
}

type Item = Record<string, AttributeValue>

/**
 * Leases and checkpoints of shards as rows of a DynamoDB table, in the original's format, so that its processes and
 * ours can share a stream: `StreamID` and `ShardID` are the key, `SequenceNumber` is the position handled, `ClientID`
 * and `LeaseTimeout` identify the reader.
 */
export class Leases {
  readonly #table: NonNullable<Infer<typeof leaseTableField>>
  readonly #options: LeaseOptions

  constructor(table: NonNullable<Infer<typeof leaseTableField>>, options: LeaseOptions) {
    this.#table = table
    this.#options = options
  }

  /** Creates the table if so configured. Rejects if there is none. */
  async ensureTable(): Promise<void> {
    const { table: TableName, create, billing_mode: BillingMode } = this.#table
    const { library, client } = this.#options
    try {
      await client.send(new library.DescribeTableCommand({ TableName }))
      return
    } catch (error) {
      if (!(error instanceof library.ResourceNotFoundException)) throw error
      if (!create) throw new Error(`target table ${TableName} does not exist`, { cause: error })
    }
    const { read_capacity_units: ReadCapacityUnits, write_capacity_units: WriteCapacityUnits } = this.#table
    const isProvisioned = BillingMode === 'PROVISIONED'
    try {
      await client.send(
        new library.CreateTableCommand({
          TableName,
          BillingMode: isProvisioned ? 'PROVISIONED' : 'PAY_PER_REQUEST',
          AttributeDefinitions: ['StreamID', 'ShardID'].map(AttributeName => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: [
            { AttributeName: 'StreamID', KeyType: 'HASH' },
            { AttributeName: 'ShardID', KeyType: 'RANGE' },
          ],
          ...(isProvisioned && { ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits } }),
        }),
      )
    } catch (error) {
      // Another client created it first.
      if (!(error instanceof library.ResourceInUseException)) throw error
    }
    await library.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 5 }, { TableName })
  }

  async of(streamId: string): Promise<LeaseTable> {
    const { library, client } = this.#options
    const known = new Set<string>()
    const byClient = new Map<string, Lease[]>()
    let start: Item | undefined
    do {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new library.QueryCommand({
          TableName: this.#table.table,
          ConsistentRead: true,
          KeyConditionExpression: 'StreamID = :stream_id',
          ExpressionAttributeValues: { ':stream_id': { S: streamId } },
          ...(start !== undefined && { ExclusiveStartKey: start }),
        }),
      )
      for (const item of Items) {
        const shardId = item['ShardID']?.S ?? ''
        if (shardId === '') continue
        known.add(shardId)
        const owner = item['ClientID']?.S ?? ''
        if (owner === '') continue
        byClient.set(owner, [...(byClient.get(owner) ?? []), { shardId, until: leaseEnd(item) }])
      }
      start = LastEvaluatedKey
    } while (start !== undefined)
    return { known, byClient }
  }

  /** Claims a shard that is unowned, or that `from` owns; resolves to null if another client was faster. */
  async claim(streamId: string, shardId: string, from: string | undefined): Promise<Claim | null> {
    const { library, client, clientId } = this.#options
    try {
      const { Attributes = {} } = await client.send(
        new library.UpdateItemCommand({
          TableName: this.#table.table,
          Key: keyOf(streamId, shardId),
          ReturnValues: 'ALL_OLD',
          ConditionExpression: from === undefined ? 'attribute_not_exists(ClientID)' : 'ClientID = :old_client_id',
          UpdateExpression: 'SET ClientID = :new_client_id, LeaseTimeout = :new_lease_timeout',
          ExpressionAttributeValues: {
            ':new_client_id': { S: clientId },
            ':new_lease_timeout': { S: this.#newLeaseEnd() },
            ...(from !== undefined && { ':old_client_id': { S: from } }),
          },
        }),
      )
      return { sequence: Attributes['SequenceNumber']?.S ?? '', formerLeaseUntil: leaseEnd(Attributes) }
    } catch (error) {
      if (error instanceof library.ConditionalCheckFailedException) return null
      throw error
    }
  }

  /** The position up to which a shard has been read. */
  async sequenceOf(streamId: string, shardId: string): Promise<string> {
    const { library, client } = this.#options
    const { Item } = await client.send(
      new library.GetItemCommand({
        TableName: this.#table.table,
        Key: keyOf(streamId, shardId),
        ConsistentRead: true,
      }),
    )
    return Item?.['SequenceNumber']?.S ?? ''
  }

  /**
   * Stores the position and renews the lease, or releases it if this is `final`; resolves to false if another client
   * owns the shard.
   */
  async checkpoint(streamId: string, shardId: string, sequence: string, final: boolean): Promise<boolean> {
    const { library, client, clientId } = this.#options
    try {
      await client.send(
        new library.PutItemCommand({
          TableName: this.#table.table,
          ConditionExpression: 'ClientID = :client_id',
          ExpressionAttributeValues: { ':client_id': { S: clientId } },
          Item: {
            ...keyOf(streamId, shardId),
            ...(sequence !== '' && { SequenceNumber: { S: sequence } }),
            ...(!final && { ClientID: { S: clientId }, LeaseTimeout: { S: this.#newLeaseEnd() } }),
          },
        }),
      )
      return true
    } catch (error) {
      if (error instanceof library.ConditionalCheckFailedException) return false
      throw error
    }
  }

  /** Stores this client's position for the client that took the shard. */
  async yield(streamId: string, shardId: string, sequence: string): Promise<void> {
    if (sequence === '') return
    const { library, client } = this.#options
    await client.send(
      new library.UpdateItemCommand({
        TableName: this.#table.table,
        Key: keyOf(streamId, shardId),
        UpdateExpression: 'SET SequenceNumber = :new_sequence_number',
        ExpressionAttributeValues: { ':new_sequence_number': { S: sequence } },
      }),
    )
  }

  /** Removes the row of a shard that was read to its end. */
  async delete(streamId: string, shardId: string): Promise<void> {
    const { library, client } = this.#options
    await client.send(new library.DeleteItemCommand({ TableName: this.#table.table, Key: keyOf(streamId, shardId) }))
  }

  #newLeaseEnd(): string {
    const { clock, leaseMs } = this.#options
    return new Date(clock.now() + leaseMs).toISOString()
  }
}

function keyOf(streamId: string, shardId: string): Item {
  return { StreamID: { S: streamId }, ShardID: { S: shardId } }
}

function leaseEnd(item: Item): number {
  const time = Date.parse(item['LeaseTimeout']?.S ?? '')
  return Number.isNaN(time) ? 0 : time
}
