// The process that kill-nine.test.ts kills: appends as fast as it can, and reports each acknowledgement immediately.
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { defaultBrokerConfig, localLogConfig, topicConfig } from '../../src/broker/index.ts'
import { openRecordLog } from '../../src/broker/log/index.ts'
import { readBatchHeader, writeRecords } from '../../src/kafka/index.ts'
import { openSqliteMetadata } from '../../src/metadata/index.ts'
import { openStore } from '../../src/storage/index.ts'

const [folder, round, firstBatch] = process.argv.slice(2)
const metadata = await openSqliteMetadata({
  path: join(folder!, 'metadata.db'),
  clock: systemClock,
  random: systemRandom,
})
if (!metadata.catalog().byName.has('t')) await metadata.createTopics([{ name: 't', partitions: 3, configs: {} }])
const { partitions } = metadata.catalog().byName.get('t')!
const log = await openRecordLog({
  metadata,
  store: await openStore(pathToFileURL(join(folder!, 'bucket')).href),
  clock: systemClock,
  random: systemRandom,
  log: nullLog,
  config: { ...localLogConfig, lingerMs: 0, overlapBytes: 500, housekeepingIntervalMs: 20, epochExpiryMs: 3000 },
  topicConfig: topic => topicConfig(topic, defaultBrokerConfig),
})

/** Every batch has the same number of records, so that its sequence follows from its number. */
const RECORDS = 3

async function append(index: number, producerId: number, name: string, batch: number): Promise<void> {
  const values = Array.from({ length: RECORDS }, (_, at) => `${name}:${batch}:${at}`)
  const idempotence = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: batch * RECORDS }
  const records = writeRecords(
    values.map(value => ({ value: Buffer.from(value) })),
    { timestamp: Date.now(), ...idempotence },
  )
  const header = readBatchHeader(records)!
  const [outcome] = await log.append([{ partition: partitions[index]!, records, header, appendTime: false }])
  if (!outcome?.ok) throw new Error(`${name}:${batch} was refused: ${outcome?.code}`)
  writeSync(1, `${index} ${outcome.baseOffset} ${name} ${batch}\n`)
}

// The same producer in every run of the process, continuing with the first batch that was not acknowledged.
const steady = (async () => {
  for (let batch = Number(firstBatch); ; batch += 3) {
    await Promise.all([batch, batch + 1, batch + 2].map(one => append(0, 1, 'steady', one)))
  }
})()
const hasty = Array.from({ length: 6 }, async (_, writer) => {
  for (let batch = 0; ; batch++) await append(writer % 3, -1, `plain-${round}-${writer}`, batch)
})
await Promise.all([steady, ...hasty])
