// How the Kafka connectors behave while their broker, or the path to it, is down. Their other behaviour is tested in
// every run.
import process from 'node:process'
import { after, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { openOwnServer, type OutageCases, testOutages } from '../../../test/connectors/outage-cases.ts'
import { program } from '../../../test/e2e/support.ts'
import { openProxiedBroker } from './proxied-broker.suite.ts'

if (process.env['PENSTOCK_TEST_KAFKA'] === undefined) {
  test('outages of Kafka', { skip: 'takes a minute: npm run test:connectors -- kafka' })
} else await testKafka()

async function testKafka(): Promise<void> {
  const broker = await openProxiedBroker()
  after(() => broker.close())
  const { port, proxy } = broker

  const newTopic = async (topic: string, somePort: number) => {
    const admin = new Kafka({ brokers: [`127.0.0.1:${somePort}`], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    await admin.disconnect()
  }
  const at = (somePort: number) => [`127.0.0.1:${somePort}`]
  const common = {
    port,
    proxy,
    prepare: (id: string) => newTopic(id, proxy.port),
  }
  const franz: OutageCases = {
    ...common,
    input: (topic, somePort) => ({
      kafka_franz: {
        seed_brokers: at(somePort),
        topics: [topic],
        consumer_group: topic,
        commit_period: '200ms',
      },
    }),
    output: (topic, somePort) => ({ kafka_franz: { seed_brokers: at(somePort), topic } }),
  }
  const kafka: OutageCases = {
    ...common,
    input: (topic, somePort) => ({
      kafka: {
        addresses: at(somePort),
        topics: [topic],
        consumer_group: topic,
        commit_period: '200ms',
        // A broker reassigns the partitions of a killed reader when its session times out: 45 seconds by default with
        // `kafka_franz`.
        group: { session_timeout: '6s', heartbeat_interval: '1s' },
      },
    }),
    output: (topic, somePort) => ({ kafka: { addresses: at(somePort), topic } }),
  }
  for (const [name, cases] of Object.entries({ kafka_franz: franz, kafka })) {
    testOutages(name, cases, () =>
      openOwnServer({
        command: (ownPort, folder) => ({
          program,
          args: ['standalone', '-dataDir', folder, '-kafkaPort', String(ownPort)].concat(
            ['-httpPort', '-pipelinesPort', '-consolePort'].map(flag => `${flag}=0`),
          ),
        }),
        prepare: newTopic,
      }),
    )
  }
}
