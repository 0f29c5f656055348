import type { Family } from './family.ts'
import { startRabbitMq } from './rabbitmq.ts'

const amqp09: Family = {
  summary: 'AMQP 0.9.1: RabbitMQ',
  folders: ['src/components/amqp09'],
  debian: { 'rabbitmq-server': 'rabbitmq-server' },
  async start({ folder }) {
    const { port, close } = await startRabbitMq(folder)
    return { environment: { PENSTOCK_TEST_AMQP09: `amqp://guest:guest@127.0.0.1:${port}/` }, close }
  },
}

export default amqp09
