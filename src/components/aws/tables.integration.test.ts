import assert from 'node:assert/strict'
import process from 'node:process'
import { after, test } from 'node:test'
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { processorContract } from '../../engine/contract/processor.suite.ts'
import { rig } from '../contract/rig.suite.ts'
import { AwsFixture } from './fixture.suite.ts'

const address = process.env['PENSTOCK_TEST_AWS']

if (address === undefined) test('AWS tables', { skip: 'needs a server: npm run test:connectors -- aws' })
else await testTables(new AwsFixture(address))

async function testTables(aws: AwsFixture): Promise<void> {
  const dynamo = new DynamoDBClient(aws.clientOptions())
  const lambda = new LambdaClient(aws.clientOptions())
  after(() => {
    dynamo.destroy()
    lambda.destroy()
  })
  const newTable = async (key = 'id', sort?: string, TableName = aws.newId()) => {
    const names = sort === undefined ? [key] : [key, sort]
    await dynamo.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: names.map(AttributeName => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: names.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
      }),
    )
    return TableName
  }
  const itemsOf = async (TableName: string) => (await dynamo.send(new ScanCommand({ TableName }))).Items ?? []

  testOutages('aws_dynamodb', {
    port: aws.port,
    prepare: async id => void (await newTable('id', undefined, id)),
    output: (table, port) => ({
      aws_dynamodb: { table, string_columns: { id: '${! content() }' }, ...aws.session(port) },
    }),
    arrived: async table => (await itemsOf(table)).map(item => String(item['id']?.S)),
  })

  test('aws_dynamodb: string and JSON columns, and the expiry of an item', async () => {
    const table = await newTable()
    const sender = await Sender.start({
      aws_dynamodb: {
        table,
        string_columns: { id: '${! this.id }', all: '${! content() }' },
        json_map_columns: { tags: 'tags', price: 'deep.price', gone: 'no.where', '': 'more' },
        ttl: '1h',
        ttl_key: 'expires',
        ...aws.session(),
      },
    })
    const body = '{"id":"a","tags":["x",true,null],"deep":{"price":1.50},"more":{"colour":"blue"}}'
    await sender.send(body)
    const { Item } = await dynamo.send(new GetItemCommand({ TableName: table, Key: { id: { S: 'a' } } }))
    assert.deepEqual(Item, {
      id: { S: 'a' },
      all: { S: body },
      tags: { L: [{ S: 'x' }, { BOOL: true }, { NULL: true }] },
      price: { S: '1.50' },
      gone: { NULL: true },
      colour: { S: 'blue' },
      expires: Item?.['expires'],
    })
    const leftSeconds = Number(Item?.['expires']?.N) - Date.now() / 1000
    assert.ok(leftSeconds > 3000 && leftSeconds < 3700)
    await sender.close()
  })

  test('aws_dynamodb: numbers as numbers, missing values left out, the whole document', async () => {
    const table = await newTable()
    const sender = await Sender.start({
      aws_dynamodb: {
        table,
        json_map_columns: { '': '.', gone: 'no.where' },
        omit_if_empty: true,
        json_number_type: 'number',
        ...aws.session(),
      },
    })
    await sender.send('{"id":"a","n":12345678901234567890,"f":1.5}')
    assert.deepEqual(await itemsOf(table), [{ id: { S: 'a' }, n: { N: '12345678901234567890' }, f: { N: '1.5' } }])
    await sender.close()
  })

  test('aws_dynamodb: messages delete items, in order', async () => {
    const table = await newTable('id', 'part')
    const sender = await Sender.start({
      aws_dynamodb: {
        table,
        string_columns: { id: '${! this.id }' },
        json_map_columns: { part: 'part' },
        delete: { condition: 'root = this.gone.or(false)', partition_key: 'id', sort_key: 'part' },
        ...aws.session(),
      },
    })
    await sender.send('{"id":"a","part":"1"}', '{"id":"a","part":"2"}', '{"id":"a","part":"1","gone":true}')
    assert.deepEqual(await itemsOf(table), [{ id: { S: 'a' }, part: { S: '2' } }])
    await sender.close()
  })

  test('aws_dynamodb: an invalid item fails alone in its batch', async () => {
    const table = await newTable()
    const sender = await Sender.start({ aws_dynamodb: { table, json_map_columns: { '': '.' }, ...aws.session() } })
    await assert.rejects(
      sender.send('{"id":"a"}', '{"other":"b"}', 'no document', '{"id":"c"}'),
      /key|invalid character|parse/i,
    )
    assert.deepEqual((await itemsOf(table)).map(({ id }) => String(id?.S)).toSorted(), ['a', 'c'])
    await sender.close()
  })

  test('aws_dynamodb: a missing table is named in the error', async () => {
    const sender = await Sender.start({
      aws_dynamodb: { table: 'nowhere', string_columns: { id: 'x' }, ...aws.session() },
    })
    while (sender.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(sender.log.join('\n'), /not found|non-existent/i)
    await sender.close()
  })

  outputContract('aws_dynamodb', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const table = await newTable()
      const proxy = await startTcpProxy(aws.port)
      const id = `\${! if content() == "poison" { throw("refused") } else { "%05v".format(count("${table}")) } }`
      const own = { table, string_columns: { id, body: '${! content() }' }, ...aws.session(proxy.port) }
      return {
        config: (maxInFlight = 64) => JSON.stringify({ aws_dynamodb: { ...own, max_in_flight: maxInFlight } }),
        poison: 'poison',
        delivered: async () =>
          (await itemsOf(table))
            .toSorted((left, right) => (left['id']!.S! < right['id']!.S! ? -1 : 1))
            .map(({ body }) => body!.S!),
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  const tables = await Promise.all(Array.from({ length: 10 }, () => newTable('key')))
  cacheContract('aws_dynamodb', rig, {
    open: () => ({
      config: JSON.stringify({
        aws_dynamodb: { table: tables.pop(), hash_key: 'key', data_key: 'value', ttl_key: 'ttl', ...aws.session() },
      }),
    }),
  })

  await aws.useSimpleLambda()
  const echo = aws.newId()
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: echo,
      Role: await aws.newRole(),
      Runtime: 'python3.11',
      Handler: 'lambda_function.lambda_handler',
      Code: { ZipFile: Buffer.from('unused') },
    }),
  )

  /** The result of a processor for one message. */
  const processed = async (processor: object, text: string) => {
    const receiver = await Receiver.start(
      { generate: { mapping: `root = ${JSON.stringify(text)}`, count: 1, interval: '' } },
      { pipeline: { processors: [processor, { catch: [{ mapping: 'root = "failed: " + error()' }] }] } },
    )
    const received = await receiver.next()
    received.answer()
    await receiver.done
    return received
  }

  /** Creates a table whose name needs no quotes in statements. */
  const newPlainTable = async (...ids: readonly string[]) => {
    const TableName = await newTable('id', undefined, aws.newId().replace('-', ''))
    for (const id of ids) {
      const Item = { id: { S: id }, n: { N: '5' }, tags: { L: [{ S: 'x' }] }, more: { M: { deep: { BOOL: true } } } }
      await dynamo.send(new PutItemCommand({ TableName, Item }))
    }
    return TableName
  }

  test('aws_dynamodb_partiql: a message becomes the item that its statement returns, and is flagged on failure', async () => {
    const table = await newPlainTable('a')
    const run = async (query: string, more: object = {}, text = '{"id":"a"}') =>
      (await processed({ aws_dynamodb_partiql: { query, ...aws.session(), ...more } }, text)).texts[0]!
    const select = `SELECT * FROM ${table} WHERE id = ?`
    const own = { args_mapping: 'root = [ { "S": this.id } ]' }
    assert.deepEqual(JSON.parse(await run(select, own)), {
      id: { S: 'a' },
      n: { N: '5' },
      tags: { L: [{ S: 'x' }] },
      more: { M: { deep: { BOOL: true } } },
    })
    assert.equal(await run(select, own, '{"id":"none"}'), '{"id":"none"}')
    const dynamic = { unsafe_dynamic_query: true }
    assert.match(await run(select.replace('?', "'${! this.id }'"), dynamic), /"n":\{"N":"5"\}/)
    assert.match(await run(select, { args_mapping: 'root = this.id' }), /^failed: arg mapping/)
    assert.match(await run(select, { args_mapping: 'root = [ { "X": "a" } ]' }), /^failed: "X" is not a DynamoDB type/)
    assert.match(
      await run(select.replace(table, 'nowhere'), own),
      /^failed: failed to process statement \(ResourceNotFound\): Requested resource not found/,
    )
  })

  const items = await newPlainTable()
  processorContract('aws_dynamodb_partiql', rig, {
    config: JSON.stringify({
      aws_dynamodb_partiql: {
        query: `SELECT * FROM ${items} WHERE id = ?`,
        args_mapping: 'root = [ { "S": this.id } ]',
        ...aws.session(),
      },
    }),
    failing: 'no document',
  })

  test('aws_lambda: a message becomes what the function returns', async () => {
    const config = { aws_lambda: { function: echo, ...aws.session() } }
    assert.deepEqual((await processed(config, 'hello')).texts, ['hello'])
    await aws.answerLambda('something else')
    assert.deepEqual((await processed(config, 'hello')).texts, ['something else'])
  })

  test('aws_lambda: a call that fails flags its message, after the configured attempts', async () => {
    const session = { ...aws.session(), endpoint: 'http://127.0.0.1:1' }
    const { texts } = await processed({ aws_lambda: { function: echo, retries: 2, ...session } }, 'x')
    assert.match(texts[0]!, /^failed: .*connection refused/)
  })

  processorContract('aws_lambda', rig, {
    config: JSON.stringify({ aws_lambda: { function: echo, parallel: true, ...aws.session() } }),
    failing: { never: 'the server answers every call' },
  })
}
