import assert from 'node:assert/strict'
import test from 'node:test'
import { environmentName, FlagError, flag, readFlags } from './flags.ts'

const specs = {
  kafkaPort: flag.port(9092, 'where Kafka clients connect'),
  dataDir: flag.text('', 'where everything is kept'),
  enableManagedPipelines: flag.boolean(false, 'run pipelines'),
}

test('flags are written with one dash or two, with or without an equals sign', () => {
  assert.deepEqual(readFlags(specs, ['-kafkaPort', '1', '--dataDir=a=b', '-enableManagedPipelines'], {}), {
    kafkaPort: 1,
    dataDir: 'a=b',
    enableManagedPipelines: true,
  })
  assert.deepEqual(readFlags(specs, ['-enableManagedPipelines=false', '-kafkaPort=0'], {}), {
    kafkaPort: 0,
    dataDir: '',
    enableManagedPipelines: false,
  })
})

test('the environment fills in what the command line leaves out', () => {
  const environment = {
    WARPSTREAM_KAFKA_PORT: '7',
    WARPSTREAM_ENABLE_MANAGED_PIPELINES: 'true',
    WARPSTREAM_DATA_DIR: 'x',
  }
  assert.deepEqual(readFlags(specs, ['-dataDir', 'y'], environment), {
    kafkaPort: 7,
    dataDir: 'y',
    enableManagedPipelines: true,
  })
  assert.equal(environmentName('bucketURL'), 'WARPSTREAM_BUCKET_URL')
  assert.equal(environmentName('defaultVirtualClusterID'), 'WARPSTREAM_DEFAULT_VIRTUAL_CLUSTER_ID')
})

test('what is wrong is told, with the flag that was meant', () => {
  const message = (args: string[], environment = {}) => {
    try {
      readFlags(specs, args, environment)
    } catch (error) {
      assert.ok(error instanceof FlagError)
      return error.message
    }
    return 'nothing'
  }
  assert.equal(message(['-kafkaprot', '1']), 'there is no flag -kafkaprot; did you mean -kafkaPort?')
  assert.equal(message(['-zzz']), 'there is no flag -zzz')
  assert.equal(message(['-kafkaPort']), '-kafkaPort needs a value')
  assert.equal(message(['-kafkaPort', '70000']), '-kafkaPort has to be a port from 0 to 65535, not "70000"')
  assert.equal(message(['data']), '"data" is not a flag; flags begin with a dash')
  assert.equal(
    message([], { WARPSTREAM_KAFKA_PORT: 'x' }),
    'WARPSTREAM_KAFKA_PORT has to be a port from 0 to 65535, not "x"',
  )
})
