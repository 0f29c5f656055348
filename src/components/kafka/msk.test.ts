// `AWS_MSK_IAM` against a broker that, like Amazon MSK, accepts the tokens of a user for a limited time.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { Broker, localLogConfig, PasswordCheck } from '../../broker/index.ts'
import { openSqliteMetadata } from '../../metadata/index.ts'
import { openStore } from '../../storage/index.ts'
import { startCollecting } from '../collecting.suite.ts'

const SESSION_MS = 1500

test('kafka and kafka_franz sign in with AWS credentials, again before a session ends', async t => {
  const tokens = new Set<string>()
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const broker = await Broker.open({
    port: 0,
    metadata,
    store: await openStore('mem://kafka-msk-test'),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig: localLogConfig,
    config: { groupInitialRebalanceDelayMs: 0 },
    security: {
      sasl: {
        required: true,
        maxSessionMs: 0,
        clock: systemClock,
        credentials: { find: () => undefined },
        passwords: new PasswordCheck(),
        async checkToken(token) {
          const { hostname, searchParams } = new URL(Buffer.from(token, 'base64url').toString('latin1'))
          assert.equal(hostname, 'kafka.eu-central-1.amazonaws.com')
          assert.match(searchParams.get('X-Amz-Credential')!, /^AKIDEXAMPLE\//)
          tokens.add(token)
          return Promise.resolve({ principal: 'aws', expiresAt: systemClock.now() + SESSION_MS })
        },
      },
    },
  })
  t.after(async () => {
    await broker.close()
    await metadata.close()
  })
  const address = `127.0.0.1:${broker.port}`
  const login = 'mechanism: AWS_MSK_IAM, aws: { region: eu-central-1, credentials: { id: AKIDEXAMPLE, secret: x } }'
  await startCollecting(
    t,
    `
http: { enabled: false }
input: { generate: { interval: 100ms, mapping: 'root = counter()' } }
output: { kafka: { addresses: [ "${address}" ], topic: orders, sasl: { ${login} } } }
`,
  )
  const reader = await startCollecting(
    t,
    `
http: { enabled: false }
input:
  kafka_franz: { seed_brokers: [ "${address}" ], topics: [ orders ], consumer_group: g, sasl: [ { ${login} } ] }
`,
  )
  // A token names the second it was made in, so that these are from several sessions.
  await reader.until(({ texts }) => tokens.size >= 4 && texts.length >= 40)
  const numbers = reader.texts.map(Number)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
  assert.deepEqual(
    reader.log.filter(line => line.startsWith('ERROR')),
    [],
  )
})
