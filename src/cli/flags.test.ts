import assert from 'node:assert/strict'
import test from 'node:test'
import { FlagError, flag, flagValues, readFlags, variablesOf } from './flags.ts'

const specs = {
  kafkaPort: flag.port(9092, 'where Kafka clients connect'),
  dataDir: flag.text('', 'the folder for all data', { short: 'd' }),
  enableManagedPipelines: flag.boolean('run pipelines'),
  threads: flag.integer(1, 'threads'),
  files: flag.list('files'),
  set: flag.texts('fields'),
} as const

const none = { kafkaPort: 9092, dataDir: '', enableManagedPipelines: false, threads: 1, files: [], set: [] }

const read = (args: readonly string[], environment = {}) => flagValues(specs, readFlags(specs, args).flags, environment)

test('flags are written with one dash or two, with or without an equals sign, by name or by letter', () => {
  assert.deepEqual(read(['-kafkaPort', '1', '--dataDir=a=b', '-enableManagedPipelines']), {
    ...none,
    kafkaPort: 1,
    dataDir: 'a=b',
    enableManagedPipelines: true,
  })
  assert.deepEqual(read(['-enableManagedPipelines=false', '-d', 'x', '--threads=-0x10']), {
    ...none,
    dataDir: 'x',
    threads: -16,
  })
})

test('the last of several values wins; lists collect all of them and split at commas', () => {
  assert.deepEqual(read(['-d', 'x', '-d', 'y', '-files', 'a,b', '-files=c', '-set', 'a=1,2', '-set=b=3']), {
    ...none,
    dataDir: 'y',
    files: ['a', 'b', 'c'],
    set: ['a=1,2', 'b=3'],
  })
})

test('words may appear anywhere, everything after two dashes is a word, and a command may keep everything after its first word', () => {
  assert.deepEqual(readFlags(specs, ['one', '-d', 'x', '-', '--', '-d']).words, ['one', '-', '-d'])
  assert.deepEqual(readFlags(specs, ['-d', 'x', 'one', '-d', 'y'], true), {
    flags: new Map([['dataDir', ['x']]]),
    words: ['one', '-d', 'y'],
  })
})

test('the environment fills in what the command line leaves out', () => {
  const environment = {
    WARPSTREAM_KAFKA_PORT: '7',
    WARPSTREAM_ENABLE_MANAGED_PIPELINES: 'true',
    WARPSTREAM_DATA_DIR: 'x',
  }
  assert.deepEqual(read(['-dataDir', 'y'], environment), {
    ...none,
    kafkaPort: 7,
    dataDir: 'y',
    enableManagedPipelines: true,
  })
  assert.deepEqual(read([], { PENSTOCK_KAFKA_PORT: '8', WARPSTREAM_KAFKA_PORT: '' }), { ...none, kafkaPort: 8 })
})

test('variables have the prefix of the original or ours, and earlier names are accepted', () => {
  const spec = flag.text('', '')
  assert.equal(variablesOf('bucketURL', spec)[0], 'WARPSTREAM_BUCKET_URL')
  assert.equal(variablesOf('defaultVirtualClusterID', spec)[0], 'WARPSTREAM_DEFAULT_VIRTUAL_CLUSTER_ID')
  assert.deepEqual(variablesOf('dataDir', { ...spec, isOurs: true }), ['PENSTOCK_DATA_DIR', 'WARPSTREAM_DATA_DIR'])
  assert.deepEqual(variablesOf('agentKey', { ...spec, aliases: ['apiKey'], environment: 'AGENT' }), [
    'AGENT',
    'WARPSTREAM_AGENT_KEY',
    'PENSTOCK_AGENT_KEY',
    'WARPSTREAM_API_KEY',
    'PENSTOCK_API_KEY',
  ])
})

test('errors use the wording of Go and suggest the flag that was meant', () => {
  const message = (args: string[], environment = {}) => {
    try {
      read(args, environment)
    } catch (error) {
      assert.ok(error instanceof FlagError)
      return error.message
    }
    return 'nothing'
  }
  assert.equal(message(['-kafkaprot', '1']), 'flag provided but not defined: -kafkaprot; did you mean -kafkaPort?')
  assert.equal(message(['-zzz']), 'flag provided but not defined: -zzz')
  assert.equal(message(['-kafkaPort']), 'flag needs an argument: -kafkaPort')
  const range = 'a port is a number from 0 to 65535'
  assert.equal(message(['-kafkaPort', '70000']), `invalid value "70000" for flag -kafkaPort: ${range}`)
  assert.equal(message(['-threads', 'many']), 'invalid value "many" for flag -threads: parse error')
  assert.equal(
    message(['-enableManagedPipelines=perhaps']),
    'invalid value "perhaps" for flag -enableManagedPipelines: parse error',
  )
  const environment = { WARPSTREAM_KAFKA_PORT: 'x' }
  assert.equal(message([], environment), `invalid value "x" for variable WARPSTREAM_KAFKA_PORT: ${range}`)
})
