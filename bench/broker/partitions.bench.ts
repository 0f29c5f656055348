// Produce and fetch with few and with many partitions, over a folder. With KAFKA set to the port of a broker on this
// machine, such as one of Apache Kafka, both are measured in turns: `KAFKA=9092 npm run bench -- partitions`. SECONDS is
// the duration of a measurement (3), PARTITIONS and SIZES select some (`PARTITIONS=100,1000 SIZES=100`).
import { apis } from '../../src/kafka/index.ts'
import { consume, createTopic, type Moved, produce } from './load.ts'
import { compared, withTargets } from './targets.ts'
import { WireClient } from './wire-client.ts'

const SECONDS = Number(process.env.SECONDS ?? 3)
const PARTITIONS = (process.env.PARTITIONS ?? '1,16,100,1000').split(',').map(Number)
const SIZES = (process.env.SIZES ?? '100,1024,65536').split(',').map(Number)
/** Small enough for the caches of both brokers. */
const MAX_BYTES = 1_000_000_000
/** Until then both brokers compile their code, and ours gets the memory of its cache. */
const WARM_UP = { topic: 'bench-warm-up', partitions: 16, valueBytes: 1024, seconds: 5, maxBytes: 3_000_000_000 }

await withTargets(async targets => {
  console.log(`${targets.map(({ name }) => name).join(' : ')}; MB/s, and milliseconds until the acknowledgement`)
  for (const { port } of targets) {
    await createTopic(port, WARM_UP.topic, WARM_UP.partitions)
    await produce(port, WARM_UP)
    await consume(port, WARM_UP.topic, WARM_UP.partitions, WARM_UP.seconds)
    await deleteTopic(port, WARM_UP.topic)
  }
  for (const partitions of PARTITIONS) {
    for (const valueBytes of SIZES) {
      const topic = `bench-${partitions}-${valueBytes}-${Date.now()}`
      const produced: Moved[] = []
      const consumed: Moved[] = []
      for (const { port } of targets) {
        await createTopic(port, topic, partitions)
        produced.push(await produce(port, { topic, partitions, valueBytes, seconds: SECONDS, maxBytes: MAX_BYTES }))
        consumed.push(await consume(port, topic, partitions, SECONDS))
        await deleteTopic(port, topic)
      }
      const rates = (moved: readonly Moved[]) => compared(moved.map(({ bytes, seconds }) => bytes / seconds / 1e6))
      const p50 = compared(
        produced.map(one => one.p50),
        1,
      )
      const p99 = compared(
        produced.map(one => one.p99),
        1,
      )
      console.log(`${partitions} partitions, ${valueBytes} B`)
      console.log(`  produce ${rates(produced)}, p50 ${p50}, p99 ${p99}`)
      console.log(`  consume ${rates(consumed)}`)
    }
  }
})

async function deleteTopic(port: number, topic: string): Promise<void> {
  const client = await WireClient.open(port)
  await client.call(apis.DeleteTopics, 4, { topicNames: [topic], timeoutMs: 30_000 })
  client.close()
}
