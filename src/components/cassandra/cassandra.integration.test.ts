import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { auth, Client } from 'cassandra-driver'
import { cassandraCommand, connected } from '../../../test/connectors/cassandra.family.ts'
import { openOwnServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { rig } from '../contract/rig.suite.ts'

const address = process.env['PENSTOCK_TEST_CASSANDRA']
const authority = process.env['PENSTOCK_TEST_CASSANDRA_CA']

if (address === undefined || authority === undefined) {
  test('Cassandra', { skip: 'needs a server: npm run test:connectors -- cassandra' })
} else await testCassandra(Number(address.split(':')[1]), authority)

async function testCassandra(port: number, caFile: string): Promise<void> {
  const [username, password] = ['cassandra', 'cassandra']
  const clientOf = (ownPort: number) =>
    new Client({
      contactPoints: [`127.0.0.1:${ownPort}`],
      localDataCenter: 'datacenter1',
      authProvider: new auth.PlainTextAuthProvider(username, password),
      socketOptions: { readTimeout: 60_000 },
    })
  const client = clientOf(port)
  await connected(client)
  after(() => client.shutdown())
  const space = newName()
  await client.execute(`CREATE KEYSPACE ${space} WITH replication = {'class':'SimpleStrategy','replication_factor':1}`)
  const newTable = async (columns: string) => {
    const table = `${space}.${newName()}`
    await client.execute(`CREATE TABLE ${table} (${columns})`)
    return table
  }
  const own = (ownPort = port) => ({
    addresses: [`127.0.0.1:${ownPort}`],
    password_authenticator: { enabled: true, username, password },
    timeout: '20s',
  })
  const logged = async (stream: { readonly log: readonly string[] }, pattern: RegExp) => {
    while (!pattern.test(stream.log.join('\n'))) await sleep(20)
  }

  const tableOf = (id: string) => `outages.${id.replace('-', '_')}`
  const prepare = async (some: Client, id: string) => {
    const replication = "{'class':'SimpleStrategy','replication_factor':1}"
    await some.execute(`CREATE KEYSPACE IF NOT EXISTS outages WITH replication = ${replication}`)
    await some.execute(`CREATE TABLE ${tableOf(id)} (body text PRIMARY KEY)`)
  }
  testOutages(
    'cassandra out',
    {
      port,
      prepare: id => prepare(client, id),
      output: (id, ownPort) => ({
        cassandra: {
          ...own(ownPort),
          query: `INSERT INTO ${tableOf(id)} (body) VALUES (?)`,
          args_mapping: 'root = [ content().string() ]',
        },
      }),
      arrived: async (id, ownPort) => {
        const reader = ownPort === port ? client : clientOf(ownPort)
        try {
          const { rows } = await reader.execute(`SELECT body FROM ${tableOf(id)}`)
          return rows.map(row => String(row.get('body')))
        } finally {
          if (reader !== client) await reader.shutdown()
        }
      },
    },
    () =>
      openOwnServer({
        command: (ownPort, folder) => cassandraCommand(ownPort, folder),
        async prepare(id, ownPort) {
          const some = clientOf(ownPort)
          await connected(some)
          await prepare(some, id)
          await some.shutdown()
        },
      }),
  )

  test('cassandra: values of all types are stored unchanged', async () => {
    const udt = `${space}.${newName()}`
    await client.execute(`CREATE TYPE ${udt} (street text, number int)`)
    const columns = {
      a_text: 'text',
      a_json: 'varchar',
      an_ascii: 'ascii',
      a_bigint: 'bigint',
      an_int: 'int',
      a_small: 'smallint',
      a_tiny: 'tinyint',
      a_varint: 'varint',
      a_decimal: 'decimal',
      a_double: 'double',
      a_float: 'float',
      a_boolean: 'boolean',
      a_blob: 'blob',
      a_uuid: 'uuid',
      an_inet: 'inet',
      a_date: 'date',
      a_time: 'time',
      a_duration: 'duration',
      a_timestamp: 'timestamp',
      b_timestamp: 'timestamp',
      c_timestamp: 'timestamp',
      a_list: 'list<bigint>',
      a_set: 'set<text>',
      a_map: 'map<int, frozen<list<double>>>',
      a_tuple: 'tuple<int, text>',
      an_udt: `frozen<${udt}>`,
      a_vector: 'vector<float, 3>',
      a_null: 'int',
    }
    const names = Object.keys(columns)
    const table = await newTable(
      `id int PRIMARY KEY, ${Object.entries(columns)
        .map(pair => pair.join(' '))
        .join(', ')}`,
    )
    const sender = await Sender.start({
      cassandra: {
        ...own(),
        query: `INSERT INTO ${table} (id, ${names.join(', ')}) VALUES (1${', ?'.repeat(names.length)})`,
        args_mapping: `root = [
          "ü", this, "plain", 9007199254740993, this.int, this.small, 5.0, this.varint,
          this.decimal, this.double, 0.5, true, "ü".bytes(), "${'1'.repeat(8)}-1111-4111-8111-111111111111", "10.0.0.1",
          "2026-11-30", "12:30:00.5", "2d3h", "2026-11-30T12:00:00.25Z", 1605219406, 1605219406.ts_unix(),
          [ 1, 9007199254740993 ], [ "x", "y" ], { "7": [ 1.5, 2 ] }, [ 1, "two" ], { "street": "Main", "number": 5 },
          [ 1, 2.5, 3 ], null
        ]`,
      },
    })
    const document =
      '{"int":-2147483648,"small":7,"varint":123456789012345678901234567890,"decimal":1.10,"double":1e100}'
    await sender.send(document)
    await sender.close()
    const row = (await client.execute(`SELECT * FROM ${table}`)).first()
    const text = (name: string) => String(row.get(name))
    assert.equal(row.get('a_text'), 'ü')
    assert.deepEqual(JSON.parse(text('a_json')), JSON.parse(document))
    assert.deepEqual(
      ['an_ascii', 'a_bigint', 'an_int', 'a_small', 'a_tiny', 'a_varint', 'a_decimal', 'a_double', 'a_float'].map(text),
      ['plain', '9007199254740993', '-2147483648', '7', '5', '123456789012345678901234567890', '1.10', '1e+100', '0.5'],
    )
    assert.deepEqual(
      ['a_boolean', 'a_blob', 'a_uuid', 'an_inet', 'a_date', 'a_time', 'a_duration', 'a_null'].map(text),
      ['true', 'ü', '11111111-1111-4111-8111-111111111111', '10.0.0.1', '2026-11-30', '12:30:00.5', '2d3h', 'null'],
    )
    const json = (name: string): unknown => JSON.parse(JSON.stringify(row.get(name)))
    assert.deepEqual(
      ['a_timestamp', 'b_timestamp', 'c_timestamp', 'a_list', 'a_set', 'a_map', 'a_tuple', 'an_udt'].map(json),
      [
        '2026-11-30T12:00:00.250Z',
        '2020-11-12T22:16:46.000Z',
        '2020-11-12T22:16:46.000Z',
        ['1', '9007199254740993'],
        ['x', 'y'],
        { 7: [1.5, 2] },
        [1, 'two'],
        { street: 'Main', number: 5 },
      ],
    )
    assert.equal(text('a_vector').replaceAll(' ', ''), '[1,2.5,3]')
  })

  test('cassandra: a value that does not fit fails its message, and the error says which and why', async () => {
    const table = await newTable('id int PRIMARY KEY, at timestamp')
    const insert = { ...own(), query: `INSERT INTO ${table} (id, at) VALUES (?, ?)` }
    const sender = await Sender.start({ cassandra: { ...insert, args_mapping: 'root = this' } })
    for (const [args, reason] of [
      ['[ 1.5, null ]', /^parsing args: expected a whole number, got number: 1\.5$/],
      ['[ true, null ]', /^parsing args: expected a whole number, got bool: true$/],
      ['[ 1, "noon" ]', /^parsing args: parsing time "noon"/],
      ['[ 3000000000, null ]', /out of range/],
      ['{"a": 1}', /^parsing args: expected the mapping to result in an array, got object$/],
      ['[ 1 ]', /there were 2 markers\(\?\) in CQL but 1 bound variables/],
    ] as const) {
      await assert.rejects(sender.send(args), ({ message }: Error) => {
        assert.match(message, reason)
        return true
      })
    }
    await assert.rejects(sender.send('[ 1, null ]', '[ "x", null ]'), /^Error: parsing args for part: 1: /)
    assert.equal((await client.execute(`SELECT * FROM ${table}`)).rowLength, 0)
    await sender.close()
  })

  test('cassandra: documents become rows, one by one and in batches', async () => {
    const table = await newTable('id int PRIMARY KEY, content text')
    const config = { ...own(), query: `INSERT INTO ${table} JSON ?`, args_mapping: 'root = [ this ]' }
    for (const [index, more] of [{}, { logged_batch: false, consistency: 'ONE' }].entries()) {
      const sender = await Sender.start({ cassandra: { ...config, ...more } })
      const ids = [1, 2, 3].map(id => id + index * 10)
      await sender.send(`{"id":${ids[0]},"content":"alone"}`)
      await sender.send(...ids.slice(1).map(id => `{"id":${id},"content":"together"}`))
      await sender.close()
    }
    const { rows } = await client.execute(`SELECT id, content FROM ${table}`)
    assert.deepEqual(rows.map(row => `${row.get('id')} ${row.get('content')}`).toSorted(), [
      '1 alone',
      '11 alone',
      '12 together',
      '13 together',
      '2 together',
      '3 together',
    ])
  })

  test('cassandra: a missing table fails its messages until it exists', async () => {
    const name = newName()
    const query = `INSERT INTO ${space}.${name} (id) VALUES (?)`
    const sender = await Sender.start({ cassandra: { ...own(), query, args_mapping: 'root = [ this ]' } })
    await assert.rejects(sender.send('1'), new RegExp(`table ${name} does not exist|unconfigured table ${name}`))
    await client.execute(`CREATE TABLE ${space}.${name} (id int PRIMARY KEY)`)
    await sender.send('1')
    assert.equal((await client.execute(`SELECT * FROM ${space}.${name}`)).rowLength, 1)
    await sender.close()
  })

  test('cassandra: writes without enough replicas are retried as configured', async () => {
    const table = await newTable('id int PRIMARY KEY')
    const config = {
      ...own(),
      query: `INSERT INTO ${table} (id) VALUES (?)`,
      args_mapping: 'root = [ this ]',
      consistency: 'THREE',
      max_retries: 2,
      backoff: { initial_interval: '20ms', max_interval: '30ms' },
    }
    const sender = await Sender.start({ cassandra: config })
    await assert.rejects(sender.send('1'), /Not enough replicas|Cannot achieve consistency level THREE/)
    assert.equal(sender.log.filter(line => /^Sending again after \d+ ms: /.test(line)).length, 2)
    await sender.close()
  })

  test('cassandra: a wrong password, an unreachable node and an invalid address are reported', async () => {
    const insert = { query: 'INSERT INTO x.y (id) VALUES (1)' }
    for (const [more, reason] of [
      [
        { password_authenticator: { enabled: true, username, password: 'no' } },
        /username.*(?:incorrect|wrong)|Bad cred/i,
      ],
      [{ password_authenticator: { enabled: false } }, /Authentication|authenticator/i],
      [{ addresses: ['127.0.0.1:1'] }, /creating Cassandra session: .*connection refused/],
      [{ addresses: ['nobody.invalid'] }, /creating Cassandra session: .*nobody\.invalid/],
    ] as const) {
      const sender = await Sender.start({ cassandra: { ...own(), ...insert, ...more } })
      await logged(sender, reason)
      await sender.close()
    }
    const none = { ...own(), ...insert, addresses: [':9'] }
    await assert.rejects(Sender.start({ cassandra: none }), /address ':9' is none; expected host:port/)
  })

  test('cassandra: with TLS the certificate of a node has to match the configured name', async () => {
    const table = await newTable('id int PRIMARY KEY')
    const insert = { query: `INSERT INTO ${table} (id) VALUES (?)`, args_mapping: 'root = [ this ]' }
    const tls = { enabled: true, root_cas: readFileSync(caFile, 'utf8') }
    for (const more of [
      { addresses: [`localhost:${port}`], tls },
      { addresses: [`127.0.0.1:${port}`], tls: { enabled: true, skip_cert_verify: true } },
      { addresses: [`localhost:${port}`], tls, disable_initial_host_lookup: true },
    ]) {
      const sender = await Sender.start({ cassandra: { ...own(), ...insert, ...more } })
      await sender.send('1')
      await sender.close()
    }
    // The certificate is valid for localhost only.
    const other = await Sender.start({ cassandra: { ...own(), ...insert, tls } })
    await logged(other, /the certificate of 127\.0\.0\.1 is neither for it nor for 127\.0\.0\.1/)
    await other.close()
    const stranger = await Sender.start({
      cassandra: { ...own(), ...insert, addresses: [`localhost:${port}`], tls: { enabled: true } },
    })
    await logged(stranger, /certificate signed by unknown authority/)
    await stranger.close()
  })

  outputContract('cassandra', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const table = await newTable('place bigint PRIMARY KEY, body text')
      const proxy = await startTcpProxy(port)
      const args = `root = [ count("${table}"), if content() == "poison" { throw("refused") } else { content().string() } ]`
      return {
        config: (maxInFlight = 64) =>
          JSON.stringify({
            cassandra: {
              ...own(proxy.port),
              query: `INSERT INTO ${table} (place, body) VALUES (?, ?)`,
              args_mapping: args,
              max_in_flight: maxInFlight,
            },
          }),
        poison: 'poison',
        delivered: async () => {
          const { rows } = await client.execute(`SELECT place, body FROM ${table}`, [], { consistency: 1 })
          return rows
            .toSorted((one, other) => Number(one.get('place')) - Number(other.get('place')))
            .map(row => String(row.get('body')))
        },
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}

function newName(): string {
  return `t_${randomUUID().slice(0, 8)}`
}
