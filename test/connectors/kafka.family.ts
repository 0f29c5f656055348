import type { Family } from './family.ts'

const kafka: Family = {
  summary: "Kafka: Penstock's own broker, which the tests start",
  folders: ['src/components/kafka'],
  slow: true,
  start: () => Promise.resolve({ environment: { PENSTOCK_TEST_KAFKA: 'own' }, close: () => Promise.resolve() }),
}

export default kafka
