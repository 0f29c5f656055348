// The flags and variables of the original's agents, as used by command lines, charts and container definitions.
import assert from 'node:assert/strict'
import test from 'node:test'
import { agentFlags, commands } from './commands.ts'
import { flagValues, readFlags } from './flags.ts'
import { commandHelp } from './help.ts'

type AgentFlag = keyof typeof agentFlags

/** By our flag: its name in the original on a command line (null: only in the environment) and in the environment. */
const original: readonly (readonly [AgentFlag, written: string | null, variable: string | null])[] = [
  ['bucketURL', 'bucketURL', 'WARPSTREAM_BUCKET_URL'],
  ['agentKey', 'agentKey', 'WARPSTREAM_AGENT_KEY'],
  ['agentKey', 'apiKey', 'WARPSTREAM_API_KEY'],
  ['agentKeyPath', 'agentKeyPath', 'WARPSTREAM_AGENT_KEY_PATH'],
  ['defaultVirtualClusterID', 'defaultVirtualClusterID', 'WARPSTREAM_DEFAULT_VIRTUAL_CLUSTER_ID'],
  ['region', 'region', 'WARPSTREAM_REGION'],
  ['metadataURL', 'metadataURL', 'WARPSTREAM_METADATA_URL'],
  ['agentPoolName', 'agentPoolName', 'WARPSTREAM_AGENT_POOL_NAME'],
  ['availabilityZone', null, 'WARPSTREAM_AVAILABILITY_ZONE'],
  ['logLevel', null, 'WARPSTREAM_LOG_LEVEL'],
  ['roles', 'roles', 'WARPSTREAM_AGENT_ROLES'],
  ['agentGroup', 'agentGroup', 'WARPSTREAM_AGENT_GROUP'],
  ['enableManagedPipelines', 'enableManagedPipelines', 'WARPSTREAM_ENABLE_MANAGED_PIPELINES'],
  ['managedPipelinesGroupName', 'managedPipelinesGroupName', 'WARPSTREAM_MANAGED_PIPELINES_GROUP_NAME'],
  ['kafkaPort', 'kafkaPort', 'WARPSTREAM_KAFKA_PORT'],
  ['httpPort', 'httpPort', null],
  ['discoveryKafkaHostnameOverride', null, 'WARPSTREAM_DISCOVERY_KAFKA_HOSTNAME_OVERRIDE'],
  ['discoveryKafkaPortOverride', null, 'WARPSTREAM_DISCOVERY_KAFKA_PORT_OVERRIDE'],
  ['batchTimeout', 'batchTimeout', 'WARPSTREAM_BATCH_TIMEOUT'],
  ['requireSASLAuthentication', 'requireSASLAuthentication', 'WARPSTREAM_REQUIRE_SASL_AUTHENTICATION'],
  ['requireSASLAuthentication', 'requireAuthentication', 'WARPSTREAM_REQUIRE_AUTHENTICATION'],
  ['requireMTLSAuthentication', 'requireMTLSAuthentication', 'WARPSTREAM_REQUIRE_MTLS_AUTHENTICATION'],
  ['kafkaTLS', 'kafkaTLS', 'WARPSTREAM_TLS_ENABLED'],
  ['tlsServerCertFile', 'tlsServerCertFile', 'WARPSTREAM_TLS_SERVER_CERT_FILE'],
  ['tlsServerPrivateKeyFile', 'tlsServerPrivateKeyFile', 'WARPSTREAM_TLS_SERVER_PRIVATE_KEY_FILE'],
  ['tlsClientCACertFile', 'tlsClientCACertFile', 'WARPSTREAM_TLS_CLIENT_CA_CERT_FILE'],
  ['tlsProfile', null, 'WARPSTREAM_TLS_PROFILE'],
  ['disablePublishMetricsJob', 'disablePublishMetricsJob', null],
  ['gracefulShutdownDuration', 'gracefulShutdownDuration', 'WARPSTREAM_GRACEFUL_SHUTDOWN_DURATION'],
]

for (const [name, written, variable] of original) {
  const values = { boolean: ['true', true], port: ['77', 77], list: ['a,b', ['a', 'b']] } as const
  const { kind } = agentFlags[name]
  const [text, value] = kind in values ? values[kind as keyof typeof values] : ['text', 'text'] // just looked up
  test(`an agent understands ${[written && `-${written}`, variable].filter(Boolean).join(' and ')}`, () => {
    if (written !== null) {
      const { flags } = readFlags(agentFlags, [`-${written}=${text}`])
      assert.deepEqual(flagValues(agentFlags, flags)[name], value)
    }
    if (variable !== null) assert.deepEqual(flagValues(agentFlags, new Map(), { [variable]: text })[name], value)
  })
}

test('help texts name only variables that are read', () => {
  for (const name of ['agent', 'control-plane', 'standalone', 'playground'] as const) {
    const command = commands[name]!
    const named = [...commandHelp(name, command).matchAll(/^   -(\w+).*\n.*\[([A-Z_]+)\]$/gm)]
    assert.equal(named.length, Object.keys(command.flags).length)
    for (const [, flag, variable] of named) {
      const { kind } = command.flags[flag!]!
      const text = kind === 'boolean' ? 'true' : kind === 'port' || kind === 'integer' ? '1' : 'text'
      const values: Readonly<Record<string, unknown>> = flagValues(command.flags, new Map(), { [variable!]: text })
      const expected = { boolean: true, port: 1, integer: 1, list: ['text'], texts: ['text'], text: 'text' }[kind]
      assert.deepEqual(values[flag!], expected, `${variable} of -${flag}`)
    }
  }
})
