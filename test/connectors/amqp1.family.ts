import type { Family } from './family.ts'
import { startRabbitMq } from './rabbitmq.ts'

const amqp1: Family = {
  summary: 'AMQP 1.0: RabbitMQ with its plug-in for that, by TLS as well',
  folders: ['src/components/amqp1'],
  debian: { 'rabbitmq-server': 'rabbitmq-server' },
  async start({ folder }) {
    const { port, tlsPort, authority, close } = await startRabbitMq(folder, ['rabbitmq_amqp1_0'])
    return {
      environment: {
        PENSTOCK_TEST_AMQP1: `amqp://guest:guest@127.0.0.1:${port}/`,
        PENSTOCK_TEST_AMQP1_TLS: `amqps://guest:guest@localhost:${tlsPort}/`,
        PENSTOCK_TEST_AMQP1_CA: authority,
      },
      close,
    }
  },
}

export default amqp1
