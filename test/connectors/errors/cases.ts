// Failures between a stream and a server, for the connectors of each family.
import type { ComponentBody } from '../streams.ts'
import type { Environment } from './servers.ts'

export interface ErrorCase {
  /** The kind and the name, as in a configuration, such as `output redis_list`. */
  readonly component: string
  /** The failure. */
  readonly situation: string
  readonly config: ComponentBody
  /** Variables of the program's environment. */
  readonly environment?: Environment
}

/** A loopback port that nothing listens on. */
const CLOSED = 9

const NOWHERE = 'nowhere.invalid'

const LARGE = 'x'.repeat(2000)

export const families: Readonly<Record<string, (environment: Environment) => readonly ErrorCase[]>> = {
  redis({ PENSTOCK_TEST_REDIS, PENSTOCK_TEST_REDIS_GUARDED, PENSTOCK_TEST_REDIS_TLS }) {
    const plain = portIn(PENSTOCK_TEST_REDIS!)
    const guarded = portIn(PENSTOCK_TEST_REDIS_GUARDED!)
    const encrypted = portIn(PENSTOCK_TEST_REDIS_TLS!)
    const links = {
      'refused port': { url: `redis://127.0.0.1:${CLOSED}` },
      'unknown host': { url: `redis://${NOWHERE}:6379` },
      'wrong password': { url: `redis://:wrong@127.0.0.1:${guarded}` },
      'no password': { url: `redis://127.0.0.1:${guarded}` },
      'TLS to a plain port': { url: `rediss://127.0.0.1:${plain}`, tls: { enabled: true } },
      'no TLS to a port that wants it': { url: `redis://127.0.0.1:${encrypted}` },
      'untrusted certificate': { url: `rediss://localhost:${encrypted}`, tls: { enabled: true } },
      'malformed URL': { url: 'http://127.0.0.1:%zz' },
    }
    return [
      ...outputs('redis_list', links, { key: 'list' }),
      ...inputs('redis_list', links, { key: 'list' }),
      ...inputs('redis_streams', links, { streams: ['stream'], consumer_group: 'group' }),
      ...inputs('redis_pubsub', links, { channels: ['channel'] }),
      ...processors('redis', links, { command: 'incr', args_mapping: 'root = ["n"]', retries: 0 }),
      ...caches('redis', links, {}),
      ...outputs(
        'redis_streams',
        { 'a key of another type': { url: `redis://127.0.0.1:${plain}` } },
        { stream: 'text' },
        {
          processors: [
            { redis: { url: `redis://127.0.0.1:${plain}`, command: 'set', args_mapping: 'root = ["text", "x"]' } },
          ],
        },
      ),
      ...processors(
        'redis',
        {
          'an unknown command': { url: `redis://127.0.0.1:${plain}`, command: 'nonesuch' },
          'arguments that do not fit': { url: `redis://127.0.0.1:${plain}`, command: 'get' },
        },
        { args_mapping: 'root = []', retries: 0 },
      ),
    ]
  },
  amqp({ AMQP, AMQP_TLS }) {
    const links = (scheme: string) => ({
      'refused port': { urls: [`${scheme}://guest:guest@127.0.0.1:${CLOSED}/`] },
      'unknown host': { urls: [`${scheme}://guest:guest@${NOWHERE}:5672/`] },
      'wrong password': { urls: [`${scheme}://guest:wrong@127.0.0.1:${AMQP}/`] },
      'TLS to a plain port': { urls: [`${scheme}s://guest:guest@127.0.0.1:${AMQP}/`], tls: { enabled: true } },
      'no TLS to a port that wants it': { urls: [`${scheme}://guest:guest@127.0.0.1:${AMQP_TLS}/`] },
      'untrusted certificate': { urls: [`${scheme}s://guest:guest@localhost:${AMQP_TLS}/`], tls: { enabled: true } },
      'malformed URL': { urls: ['http://127.0.0.1:5672/'] },
    })
    const right = { urls: [`amqp://guest:guest@127.0.0.1:${AMQP}/`] }
    return [
      ...inputs('amqp_0_9', { ...links('amqp'), 'missing queue': right }, { queue: 'nonesuch' }),
      ...inputs(
        'amqp_0_9',
        { 'missing virtual host': { urls: [`amqp://guest:guest@127.0.0.1:${AMQP}/nonesuch`] } },
        {
          queue: 'nonesuch',
        },
      ),
      ...outputs('amqp_0_9', { ...links('amqp'), 'missing exchange': right }, { exchange: 'nonesuch', key: 'k' }),
      ...outputs('amqp_0_9', { 'no queue takes it': { ...right, mandatory: true } }, { exchange: '', key: 'nonesuch' }),
      ...inputs('amqp_1', { ...links('amqp'), 'missing queue': right }, { source_address: '/amq/queue/nonesuch' }),
      ...outputs('amqp_1', { ...links('amqp'), 'missing queue': right }, { target_address: '/amq/queue/nonesuch' }),
    ]
  },
  mqtt({ MQTT, MQTT_TLS }) {
    const [user, password] = ['reader', 'sesame']
    const links = {
      'refused port': { urls: [`tcp://127.0.0.1:${CLOSED}`] },
      'unknown host': { urls: [`tcp://${NOWHERE}:1883`] },
      'wrong password': { urls: [`tcp://127.0.0.1:${MQTT}`], user, password: 'wrong' },
      'no password': { urls: [`tcp://127.0.0.1:${MQTT}`] },
      'TLS to a plain port': { urls: [`ssl://127.0.0.1:${MQTT}`], user, password, tls: { enabled: true } },
      'no TLS to a port that wants it': { urls: [`tcp://127.0.0.1:${MQTT_TLS}`], user, password },
      'untrusted certificate': { urls: [`ssl://localhost:${MQTT_TLS}`], user, password, tls: { enabled: true } },
      'malformed URL': { urls: ['nonesuch://127.0.0.1'] },
    }
    const right = { urls: [`tcp://127.0.0.1:${MQTT}`], user, password }
    return [
      ...inputs(
        'mqtt',
        { ...links, 'no rights': right },
        { topics: ['closed'], client_id: 'in', connect_timeout: '2s' },
      ),
      ...outputs(
        'mqtt',
        { ...links, 'no rights': right },
        { topic: 'closed', client_id: 'out', connect_timeout: '2s' },
      ),
      ...outputs('mqtt', { 'message too large': right }, { topic: 'open/x', client_id: 'large' }, large),
    ]
  },
  nats({ PENSTOCK_TEST_NATS, PENSTOCK_TEST_NATS_GUARDED }) {
    const plain = portIn(PENSTOCK_TEST_NATS!)
    const guarded = portIn(PENSTOCK_TEST_NATS_GUARDED!)
    const links = {
      'refused port': { urls: [`nats://127.0.0.1:${CLOSED}`] },
      'unknown host': { urls: [`nats://${NOWHERE}:4222`] },
      'wrong password': {
        urls: [`nats://reader:wrong@localhost:${guarded}`],
        tls: { enabled: true, skip_cert_verify: true },
      },
      'no password': { urls: [`nats://localhost:${guarded}`], tls: { enabled: true, skip_cert_verify: true } },
      'TLS to a plain port': { urls: [`nats://127.0.0.1:${plain}`], tls: { enabled: true } },
      'untrusted certificate': { urls: [`nats://reader:open%20sesame@localhost:${guarded}`] },
      'malformed URL': { urls: ['nats://127.0.0.1:%zz'] },
    }
    const right = { urls: [`nats://127.0.0.1:${plain}`] }
    return [
      ...inputs('nats', links, { subject: 's' }),
      ...outputs(
        'nats',
        { ...links, 'message too large': right },
        { subject: 's' },
        {
          processors: [{ mapping: 'root = "x".repeat(2000000)' }],
        },
      ),
      ...inputs(
        'nats_jetstream',
        { 'refused port': links['refused port'], 'missing stream': right },
        { subject: 'none' },
      ),
      ...outputs(
        'nats_jetstream',
        { 'refused port': links['refused port'], 'missing stream': right },
        { subject: 'none' },
      ),
      ...inputs('nats_kv', { 'refused port': links['refused port'], 'missing bucket': right }, { bucket: 'none' }),
      ...outputs(
        'nats_kv',
        { 'refused port': links['refused port'], 'missing bucket': right },
        { bucket: 'none', key: 'k' },
      ),
      ...processors(
        'nats_kv',
        { 'refused port': links['refused port'], 'missing bucket': right },
        {
          bucket: 'none',
          key: 'k',
          operation: 'get',
        },
      ),
      ...processors('nats_request_reply', { 'nobody answers': right }, { subject: 'nobody', timeout: '1s' }),
      ...caches('nats_kv', { 'missing bucket': right }, { bucket: 'none' }),
    ]
  },
  aws({ PENSTOCK_TEST_AWS: address }) {
    const session = { region: 'us-east-1', credentials: { id: 'x', secret: 'x' } }
    const links = {
      'refused port': { endpoint: `http://127.0.0.1:${CLOSED}`, ...session },
      'unknown host': { endpoint: `http://${NOWHERE}`, ...session },
      'TLS to a plain port': { endpoint: `https://127.0.0.1:${portIn(address!)}`, ...session },
      'malformed URL': { endpoint: 'http://127.0.0.1:%zz', ...session },
      'no credentials': { endpoint: address!, region: 'us-east-1' },
    }
    const missing = { endpoint: address!, ...session }
    const queue = (endpoint: string) => `${endpoint}/123456789012/nonesuch`
    const quick = {
      max_retries: 1,
      backoff: { initial_interval: '100ms', max_interval: '200ms', max_elapsed_time: '1s' },
    }
    const s3 = { force_path_style_urls: true, bucket: 'nonesuch' }
    return [
      ...outputs('aws_s3', { ...links, 'missing bucket': missing }, { ...s3, path: 'x' }),
      ...inputs('aws_s3', { ...links, 'missing bucket': missing }, s3),
      ...outputs('aws_sqs', { ...links, 'missing queue': missing }, { url: queue(address!), ...quick }),
      ...inputs('aws_sqs', { ...links, 'missing queue': missing }, { url: queue(address!) }),
      ...outputs(
        'aws_sns',
        { 'missing topic': missing, 'refused port': links['refused port'] },
        {
          topic_arn: 'arn:aws:sns:us-east-1:123456789012:nonesuch',
        },
      ),
      ...outputs(
        'aws_kinesis',
        { ...links, 'missing stream': missing },
        { stream: 'nonesuch', partition_key: 'x', ...quick },
      ),
      ...inputs(
        'aws_kinesis',
        { 'missing stream': missing, 'refused port': links['refused port'] },
        {
          streams: ['nonesuch'],
          dynamodb: { table: 'leases' },
        },
      ),
      ...outputs(
        'aws_kinesis_firehose',
        { 'missing stream': missing, 'refused port': links['refused port'] },
        {
          stream: 'nonesuch',
          ...quick,
        },
      ),
      ...outputs(
        'aws_dynamodb',
        { 'missing table': missing, 'refused port': links['refused port'] },
        {
          table: 'nonesuch',
          string_columns: { id: 'x' },
          ...quick,
        },
      ),
      ...processors(
        'aws_lambda',
        { 'missing function': missing, 'refused port': links['refused port'] },
        {
          function: 'nonesuch',
          retries: 0,
        },
      ),
      ...caches(
        'aws_dynamodb',
        { 'missing table': missing },
        {
          table: 'nonesuch',
          hash_key: 'id',
          data_key: 'data',
          retries: quick.backoff,
        },
      ),
      ...caches('aws_s3', { 'missing bucket': missing }, s3),
    ]
  },
  gcp({ PENSTOCK_TEST_GCS, PENSTOCK_TEST_PUBSUB, GCP_UNAUTHORIZED, GCP_FORBIDDEN }) {
    // The original is sent to another server only by these variables.
    const at = (authority: string, cases: readonly ErrorCase[]) =>
      cases.map(each => ({
        ...each,
        environment: { STORAGE_EMULATOR_HOST: authority, PUBSUB_EMULATOR_HOST: authority },
      }))
    const storage = (situation: string) => [
      ...outputs('gcp_cloud_storage', { [situation]: {} }, { bucket: 'nonesuch', path: 'p' }),
      ...inputs('gcp_cloud_storage', { [situation]: {} }, { bucket: 'nonesuch' }),
      ...caches('gcp_cloud_storage', { [situation]: {} }, { bucket: 'nonesuch' }),
    ]
    const queues = (situation: string) => [
      ...outputs('gcp_pubsub', { [situation]: {} }, { project: 'p', topic: 'nonesuch' }),
      ...inputs('gcp_pubsub', { [situation]: {} }, { project: 'p', subscription: 'nonesuch' }),
    ]
    return [
      ...storage('no credentials'),
      ...queues('no credentials'),
      ...outputs('gcp_bigquery', { 'no credentials': {} }, { project: 'p', dataset: 'd', table: 't' }),
      ...at(`127.0.0.1:${CLOSED}`, [...storage('refused port'), ...queues('refused port')]),
      ...at(`${NOWHERE}:443`, [...storage('unknown host'), ...queues('unknown host')]),
      ...at(`127.0.0.1:${portIn(PENSTOCK_TEST_GCS!)}`, storage('missing bucket')),
      ...at(`127.0.0.1:${portIn(PENSTOCK_TEST_PUBSUB!)}`, queues('missing topic or subscription')),
      ...at(`127.0.0.1:${GCP_UNAUTHORIZED}`, storage('expired token (status 401)')),
      ...at(`127.0.0.1:${GCP_FORBIDDEN}`, storage('no rights (status 403)')),
    ]
  },
  azure({ PENSTOCK_TEST_AZURE_BLOB: blob, PENSTOCK_TEST_AZURE_QUEUE: queue }) {
    const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
    const account = (kind: string, port: string | number, accountKey = key) => ({
      storage_connection_string: `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${accountKey};${kind}Endpoint=http://127.0.0.1:${port}/devstoreaccount1;`,
    })
    const links = (kind: string, port: string) => ({
      'refused port': account(kind, CLOSED),
      'wrong key': account(kind, port, 'AAAA'),
      'malformed connection string': { storage_connection_string: 'nonsense' },
      'no account': {},
    })
    return [
      ...outputs(
        'azure_blob_storage',
        { ...links('Blob', blob!), 'missing container': account('Blob', blob!) },
        {
          container: 'nonesuch',
          path: 'x',
        },
      ),
      ...inputs(
        'azure_blob_storage',
        { ...links('Blob', blob!), 'missing container': account('Blob', blob!) },
        {
          container: 'nonesuch',
        },
      ),
      ...outputs(
        'azure_queue_storage',
        { ...links('Queue', queue!), 'missing queue': account('Queue', queue!) },
        {
          queue_name: 'nonesuch',
        },
      ),
      ...inputs(
        'azure_queue_storage',
        { ...links('Queue', queue!), 'missing queue': account('Queue', queue!) },
        {
          queue_name: 'nonesuch',
        },
      ),
    ]
  },
  postgres({ POSTGRES }) {
    const dsn = (user: string, at: string | undefined, rest = 'postgres?sslmode=disable') =>
      `postgres://${user}@${at}/${rest}`
    const host = `127.0.0.1:${POSTGRES}`
    return sqlCases('postgres', {
      'refused port': dsn('reader:sesame', `127.0.0.1:${CLOSED}`),
      'unknown host': dsn('reader:sesame', `${NOWHERE}:5432`),
      'wrong password': dsn('reader:wrong', host),
      'missing database': dsn('reader:sesame', host, 'nonesuch?sslmode=disable'),
      'TLS to a plain port': dsn('reader:sesame', host, 'postgres?sslmode=require'),
      'malformed DSN': 'postgres://%zz',
      right: dsn('reader:sesame', host),
      owner: dsn('postgres', host),
    })
  },
  mysql({ MYSQL }) {
    const host = `tcp(127.0.0.1:${MYSQL})`
    return sqlCases('mysql', {
      'refused port': `reader:sesame@tcp(127.0.0.1:${CLOSED})/shop`,
      'unknown host': `reader:sesame@tcp(${NOWHERE}:3306)/shop`,
      'wrong password': `reader:wrong@${host}/shop`,
      'missing database': `root@${host}/nonesuch`,
      'TLS to a plain port': `root@${host}/shop?tls=true`,
      'malformed DSN': 'root@127.0.0.1:3306',
      right: `reader:sesame@${host}/`,
      owner: `root@${host}/shop`,
    })
  },
  sqlite: () =>
    sqlCases('sqlite', {
      'missing folder': 'file:/nonesuch/folder/data.db',
      owner: 'file::memory:',
    }),
  mongodb({ PENSTOCK_TEST_MONGODB: url }) {
    const links = {
      'refused port': { url: `mongodb://127.0.0.1:${CLOSED}/?serverSelectionTimeoutMS=1000` },
      'unknown host': { url: `mongodb://${NOWHERE}:27017/?serverSelectionTimeoutMS=1000` },
      // FerretDB checks none without PostgreSQL behind it.
      'a password, where there are none': {
        url: `${url}/?serverSelectionTimeoutMS=1000`,
        username: 'x',
        password: 'wrong',
      },
      'TLS to a plain port': { url: `${url}/?tls=true&serverSelectionTimeoutMS=1000` },
      'malformed URL': { url: 'http://127.0.0.1' },
    }
    const write = { database: 'd', collection: 'c', operation: 'insert-one', document_map: 'root = {"_id": 1}' }
    const right = { url: url! }
    const tooLarge = { document_map: 'root.text = range(0, 1700000).map_each(_ -> "0123456789").join("")' }
    return [
      ...outputs(
        'mongodb',
        {
          'document too large': { ...right, ...tooLarge },
          'a document that is none': { ...right, document_map: 'root = "text"' },
        },
        write,
      ),
      ...inputs(
        'mongodb',
        { 'missing collection': right },
        { database: 'd', collection: 'nonesuch', query: 'root = {}' },
      ),
      ...outputs('mongodb', { ...links, 'duplicate key': { url: url! } }, write, {}, 2),
      ...inputs('mongodb', links, { database: 'd', collection: 'c', query: 'root = {}' }),
      ...processors('mongodb', { 'refused port': links['refused port'], 'duplicate key': { url: url! } }, write),
    ]
  },
  cassandra({ PENSTOCK_TEST_CASSANDRA: address }) {
    const port = portIn(address!)
    const user = (username: string, password: string) => ({
      password_authenticator: { enabled: true, username, password },
    })
    const right = { addresses: [address!], ...user('cassandra', 'cassandra') }
    const insert = (table: string, value = '"x"') => ({
      query: `INSERT INTO ${table} (id) VALUES (?)`,
      args_mapping: `root = [ ${value} ]`,
    })
    return [
      ...outputs(
        'cassandra',
        {
          'refused port': { ...right, addresses: [`127.0.0.1:${CLOSED}`] },
          'unknown host': { ...right, addresses: [`${NOWHERE}:9042`] },
          'wrong password': { ...right, ...user('cassandra', 'wrong') },
          'no password': { addresses: [address!] },
          'untrusted certificate': { ...right, addresses: [`localhost:${port}`], tls: { enabled: true } },
          'missing table': { ...right, ...insert('errors.nonesuch') },
          'missing keyspace': { ...right, ...insert('nonesuch.words') },
          'no rights': { addresses: [address!], ...user('reader', 'sesame') },
          'a value that does not fit': {
            ...right,
            ...insert('errors.words', '{"a": 1}'),
            query: 'INSERT INTO errors.words (id, count) VALUES (?, ?)',
            args_mapping: 'root = [ "x", "no number" ]',
          },
          'too few arguments': { ...right, ...insert('errors.words'), args_mapping: 'root = []' },
          'row too large': {
            ...right,
            args_mapping: 'root = [ range(0, 1700000).map_each(_ -> "0123456789").join("") ]',
          },
          'a malformed statement': { ...right, query: 'INSERTED INTO errors.words (id) VALUES (?)' },
        },
        { ...insert('errors.words'), max_retries: 1, timeout: '5s' },
      ),
    ]
  },
  sftp({ PENSTOCK_TEST_SFTP: address, PENSTOCK_TEST_SFTP_USER: username, PENSTOCK_TEST_SFTP_KEYS: keys }) {
    const plain = { username, private_key_file: `${keys}/plain` }
    const links = {
      'refused port': { address: `127.0.0.1:${CLOSED}`, credentials: plain },
      'unknown host': { address: `${NOWHERE}:22`, credentials: plain },
      'wrong password': { address: address!, credentials: { username, password: 'wrong' } },
      'wrong key': { address: address!, credentials: { username, private_key_file: `${keys}/stranger` } },
      'missing key file': { address: address!, credentials: { username, private_key_file: `${keys}/nonesuch` } },
      'malformed address': { address: 'nonsense', credentials: plain },
    }
    const right = { address: address!, credentials: plain }
    return [
      ...outputs('sftp', { ...links, 'no rights': right }, { path: '/proc/nonesuch/x' }),
      ...inputs('sftp', { ...links, 'missing file': right }, { paths: ['/nonesuch/x'] }),
    ]
  },
  kafka({ KAFKA, HTTP }) {
    void HTTP
    const links = {
      'refused port': { seed_brokers: [`127.0.0.1:${CLOSED}`] },
      'unknown host': { seed_brokers: [`${NOWHERE}:9092`] },
      'TLS to a plain port': { seed_brokers: [`127.0.0.1:${KAFKA}`], tls: { enabled: true } },
      'a server without SASL': {
        seed_brokers: [`127.0.0.1:${KAFKA}`],
        sasl: [{ mechanism: 'PLAIN', username: 'x', password: 'x' }],
      },
    }
    const right = { seed_brokers: [`127.0.0.1:${KAFKA}`] }
    const old = {
      'refused port': { addresses: [`127.0.0.1:${CLOSED}`] },
      'unknown host': { addresses: [`${NOWHERE}:9092`] },
      'TLS to a plain port': { addresses: [`127.0.0.1:${KAFKA}`], tls: { enabled: true } },
    }
    const oldRight = { addresses: [`127.0.0.1:${KAFKA}`] }
    return [
      ...outputs('kafka_franz', { ...links, 'missing topic': right }, { topic: 'bad topic name' }),
      ...outputs(
        'kafka_franz',
        { 'message too large': { ...right, max_message_bytes: '1KB' } },
        { topic: 'large' },
        large,
      ),
      ...inputs('kafka_franz', { ...links, 'missing topic': right }, { topics: ['nonesuch'], consumer_group: 'g' }),
      ...outputs('kafka', { ...old, 'missing topic': oldRight }, { topic: 'bad topic name' }),
      ...outputs('kafka', { 'message too large': { ...oldRight, max_msg_bytes: 1000 } }, { topic: 'large' }, large),
      ...inputs('kafka', { ...old, 'missing topic': oldRight }, { topics: ['nonesuch'], consumer_group: 'g' }),
    ]
  },
  memcached({ MEMCACHED }) {
    const quick = { retries: { initial_interval: '100ms', max_interval: '200ms', max_elapsed_time: '1s' } }
    return [
      ...caches(
        'memcached',
        {
          'refused port': { addresses: [`127.0.0.1:${CLOSED}`] },
          'unknown host': { addresses: [`${NOWHERE}:11211`] },
          'malformed address': { addresses: ['nonsense'] },
        },
        quick,
      ),
      ...caches('memcached', { 'message too large': { addresses: [`127.0.0.1:${MEMCACHED}`] } }, quick, {
        processors: [{ mapping: 'root = "x".repeat(2000000)' }],
      }),
    ]
  },
  http({ HTTP }) {
    const at = (path: string) => `http://127.0.0.1:${HTTP}/${path}`
    const links = {
      'refused port': { url: `http://127.0.0.1:${CLOSED}` },
      'unknown host': { url: `http://${NOWHERE}` },
      'TLS to a plain port': { url: `https://127.0.0.1:${HTTP}` },
      'malformed URL': { url: 'http://127.0.0.1:%zz' },
      'a connection that ends': { url: at('hangup') },
      'status 401': { url: at('401') },
      'status 404': { url: at('404') },
      'status 413': { url: at('413') },
      'status 503': { url: at('503') },
    }
    const quick = { retries: 1, retry_period: '200ms', timeout: '2s' }
    const search = (name: string, action: object) =>
      outputs(
        name,
        {
          'refused port': { urls: [`http://127.0.0.1:${CLOSED}`] },
          'unknown host': { urls: [`http://${NOWHERE}:9200`] },
          'TLS to a plain port': { urls: [`https://127.0.0.1:${HTTP}`] },
          'malformed URL': { urls: ['http://127.0.0.1:%zz'] },
          'status 401': { urls: [at('401')] },
          'status 404': { urls: [at('404')] },
        },
        { index: 'i', id: 'x', ...action },
      )
    const socket = {
      'refused port': { url: `ws://127.0.0.1:${CLOSED}` },
      'unknown host': { url: `ws://${NOWHERE}` },
      'TLS to a plain port': { url: `wss://127.0.0.1:${HTTP}` },
      'malformed URL': { url: 'nonesuch://127.0.0.1' },
      'status 401': { url: `ws://127.0.0.1:${HTTP}/401` },
    }
    return [
      ...outputs('http_client', links, quick),
      ...inputs('http_client', links, quick),
      ...processors('http', links, quick),
      ...outputs('websocket', socket, {}),
      ...inputs('websocket', socket, {}),
      ...outputs('splunk_hec', links, { token: 'x', batching_count: 1 }),
      ...search('elasticsearch_v2', { action: 'index' }),
      ...search('opensearch', { action: 'index' }),
    ]
  },
}

type Bodies = Readonly<Record<string, ComponentBody>>

const large: ComponentBody = { processors: [{ mapping: `root = "${LARGE}"` }] }

/** Sends one message to an output, with a fallback for rejected messages. */
function outputs(
  name: string,
  bodies: Bodies,
  rest: ComponentBody,
  before: ComponentBody = {},
  count = 1,
): readonly ErrorCase[] {
  return casesOf('output', name, bodies, rest, body => ({
    input: { generate: { count, interval: '', mapping: 'root = "hello"' }, ...before },
    output: {
      fallback: [
        { [name]: body },
        { drop: {}, processors: [{ log: { level: 'WARN', message: 'FALLBACK ${! metadata("fallback_error") }' } }] },
      ],
    },
  }))
}

function inputs(name: string, bodies: Bodies, rest: ComponentBody): readonly ErrorCase[] {
  return casesOf('input', name, bodies, rest, body => ({
    input: { [name]: body },
    output: { drop: {}, processors: [{ log: { level: 'WARN', message: 'RECEIVED ${! content() }' } }] },
  }))
}

function processors(name: string, bodies: Bodies, rest: ComponentBody): readonly ErrorCase[] {
  return casesOf('processor', name, bodies, rest, body => ({
    input: { generate: { count: 1, interval: '', mapping: 'root = "hello"' } },
    pipeline: {
      processors: [{ [name]: body }, { catch: [{ log: { level: 'WARN', message: 'CAUGHT ${! error() }' } }] }],
    },
    output: { drop: {} },
  }))
}

function caches(name: string, bodies: Bodies, rest: ComponentBody, before: ComponentBody = {}): readonly ErrorCase[] {
  return casesOf('cache', name, bodies, rest, body => ({
    input: { generate: { count: 1, interval: '', mapping: 'root = "hello"' }, ...before },
    pipeline: {
      processors: [
        { cache: { resource: 'store', operator: 'set', key: 'key', value: '${! content() }' } },
        { catch: [{ log: { level: 'WARN', message: 'CAUGHT ${! error() }' } }] },
      ],
    },
    output: { drop: {} },
    cache_resources: [{ label: 'store', [name]: body }],
  }))
}

function casesOf(
  kind: string,
  name: string,
  bodies: Bodies,
  rest: ComponentBody,
  configOf: (body: ComponentBody) => ComponentBody,
): readonly ErrorCase[] {
  return Object.entries(bodies).map(([situation, body]) => ({
    component: `${kind} ${name}`,
    situation,
    config: configOf({ ...rest, ...body }),
  }))
}

/**
 * `right` is the DSN of a user without privileges, `owner` that of a user who has them; each other DSN is a case of its
 * own.
 */
function sqlCases(driver: string, { right, owner, ...links }: Readonly<Record<string, string>>): readonly ErrorCase[] {
  const bodies: Bodies = Object.fromEntries(Object.entries(links).map(([name, dsn]) => [name, { driver, dsn }]))
  const insert = (table: string, args: string) => ({ table, columns: ['id', 'word'], args_mapping: `root = ${args}` })
  const at = (dsn: string) => ({ driver, dsn })
  const closed = driver === 'mysql' ? 'shop.closed' : 'closed'
  const created =
    driver === 'sqlite' ? { init_statement: 'CREATE TABLE closed (id INT PRIMARY KEY, word VARCHAR(5))' } : {}
  return [
    ...outputs('sql_insert', bodies, insert('closed', '[1, "x"]')),
    ...inputs('sql_select', bodies, { table: 'closed', columns: ['id'] }),
    ...inputs('sql_raw', { 'missing table': at(owner!) }, { query: 'SELECT * FROM nonesuch' }),
    ...processors('sql_raw', bodies, { query: 'SELECT 1' }),
    ...outputs('sql_insert', { 'missing table': at(owner!) }, insert('nonesuch', '[1, "x"]')),
    ...outputs(
      'sql_insert',
      { 'a row that does not fit': { ...at(owner!), ...created } },
      insert('closed', '["no number", "too long"]'),
    ),
    ...outputs('sql_insert', { 'duplicate key': { ...at(owner!), ...created } }, insert('closed', '[7, "x"]'), {}, 2),
    ...outputs('sql_insert', { 'too few arguments': { ...at(owner!), ...created } }, insert('closed', '[9]')),
    ...(right === undefined ? [] : outputs('sql_insert', { 'no rights': at(right) }, insert(closed, '[1, "x"]'))),
    ...processors('sql_raw', { 'a malformed statement': at(owner!) }, { query: 'SELEKT 1' }),
    ...caches('sql', { 'missing table': at(owner!) }, { table: 'nonesuch', key_column: 'k', value_column: 'v' }),
    ...inputs('sql_select', { 'missing table': at(owner!) }, { table: 'nonesuch', columns: ['id'] }),
  ]
}

function portIn(url: string): string {
  return /:(\d+)(\/|$|\?)/.exec(url)![1]!
}
