// Transactions per second, over a folder: each has 10 records for 4 partitions and the offsets of a group, as a stream
// that reads from Kafka and writes to Kafka makes them. With KAFKA set to the port of a broker on this machine, such as one
// of Apache Kafka, both are measured in turns: `KAFKA=9092 npm run bench -- transactions`. SECONDS is the duration of a
// measurement (3), PRODUCERS the numbers of concurrent producers (1,8,32).
import { createTopic, percentiles } from './load.ts'
import { compared, withTargets } from './targets.ts'
import { PARTITIONS, TransactionalProducer } from './transactional-producer.ts'

const SECONDS = Number(process.env.SECONDS ?? 3)
const PRODUCERS = (process.env.PRODUCERS ?? '1,8,32').split(',').map(Number)
await withTargets(async targets => {
  console.log(`${targets.map(({ name }) => name).join(' : ')}; transactions/s, and milliseconds from begin to commit`)
  const topic = `bench-transactions-${Date.now()}`
  for (const { port } of targets) await createTopic(port, topic, PARTITIONS)
  for (const count of PRODUCERS) {
    const measured: { perSecond: number; p50: number; p99: number }[] = []
    for (const { port } of targets) measured.push(await measure(port, topic, count))
    const rates = compared(measured.map(({ perSecond }) => perSecond))
    const p50 = compared(
      measured.map(one => one.p50),
      1,
    )
    const p99 = compared(
      measured.map(one => one.p99),
      1,
    )
    console.log(`${count} producers: ${rates}, p50 ${p50}, p99 ${p99}`)
  }
})

async function measure(port: number, topic: string, count: number) {
  const producers = await Promise.all(
    Array.from({ length: count }, (_, index) => TransactionalProducer.open(port, topic, `${topic}-${count}-${index}`)),
  )
  const latencies: number[] = []
  const start = performance.now()
  const lane = async (producer: TransactionalProducer) => {
    while (performance.now() - start < SECONDS * 1000) {
      const began = performance.now()
      await producer.transact()
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(producers.map(lane))
  const seconds = (performance.now() - start) / 1000
  for (const producer of producers) producer.close()
  return { perSecond: latencies.length / seconds, ...percentiles(latencies) }
}
