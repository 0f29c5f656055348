// Repeatedly kills a process in the middle of its commits: every acknowledged record must be present, and no offset may
// be duplicated or missing. PENSTOCK_KILLS sets the number of kills; the default is small.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { nullLog, systemClock, systemRandom } from '../../src/base/index.ts'
import { defaultBrokerConfig, localLogConfig, topicConfig } from '../../src/broker/index.ts'
import { openRecordLog } from '../../src/broker/log/index.ts'
import { batchCrcFits, readBatchHeader, readRecords } from '../../src/kafka/index.ts'
import { openSqliteMetadata } from '../../src/metadata/index.ts'
import { openStore } from '../../src/storage/index.ts'

const KILLS = Number(process.env.PENSTOCK_KILLS ?? 5)

interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly name: string
  readonly batch: number
}

it(`loses nothing when it is killed ${KILLS} times`, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-kill-'))
  t.after(() => rm(folder, { recursive: true }))
  const acknowledged: Acknowledged[] = []
  let firstBatch = 0
  for (let round = 0; round < KILLS; round++) {
    for (const one of await live(folder, round, firstBatch)) {
      acknowledged.push(one)
      if (one.name === 'steady') firstBatch = Math.max(firstBatch, one.batch + 1)
    }
  }
  const partitions = await readAll(folder)
  for (const { partition, offset, name, batch } of acknowledged) {
    const there = partitions[partition]!.slice(offset, offset + 3)
    assert.deepEqual(
      there,
      [0, 1, 2].map(at => `${name}:${batch}:${at}`),
    )
  }
  for (const values of partitions) assert.equal(new Set(values).size, values.length, 'nothing is stored twice')
  const steady = partitions[0]!.filter(value => value.startsWith('steady'))
  assert.deepEqual(
    steady,
    steady.map((_, index) => `steady:${Math.floor(index / 3)}:${index % 3}`),
  )
  t.diagnostic(`${acknowledged.length} acknowledged batches, ${partitions.flat().length} records`)
})

/** One run of the process, killed shortly after its first acknowledgement; returns the acknowledgements it received. */
async function live(folder: string, round: number, firstBatch: number): Promise<Acknowledged[]> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'kill-nine.child.ts'), folder, `${round}`, `${firstBatch}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const acknowledged: Acknowledged[] = []
  const exited = once(child, 'exit')
  let killing: NodeJS.Timeout | undefined
  for await (const line of createInterface(child.stdout)) {
    killing ??= setTimeout(() => child.kill('SIGKILL'), 5 + Math.random() * 80)
    const [partition, offset, name, batch] = line.split(' ')
    acknowledged.push({ partition: Number(partition), offset: Number(offset), name: name!, batch: Number(batch) })
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', 'the process does not end by itself')
  return acknowledged
}

/** The values of each partition by offset, as read by a newly started process. */
async function readAll(folder: string): Promise<string[][]> {
  const metadata = await openSqliteMetadata({
    path: join(folder, 'metadata.db'),
    clock: systemClock,
    random: systemRandom,
  })
  const log = await openRecordLog({
    metadata,
    store: await openStore(pathToFileURL(join(folder, 'bucket')).href),
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    config: localLogConfig,
    topicConfig: topic => topicConfig(topic, defaultBrokerConfig),
  })
  const limits = { minBytes: 0, maxWaitMs: 0, maxBytes: 1e6, readCommitted: false }
  const all = []
  for (const partition of metadata.catalog().byName.get('t')!.partitions) {
    const values: string[] = []
    for (;;) {
      const query = { partition, offset: values.length, maxBytes: 1e6 }
      const [fetched] = await log.fetch([query], limits, new AbortController().signal)
      assert.equal(fetched?.error, 'NONE')
      if (fetched.sizeBytes === 0) break
      const bytes = Buffer.concat(fetched.records)
      for (let start = 0; start < bytes.length; ) {
        const batch = bytes.subarray(start, start + readBatchHeader(bytes, start)!.sizeBytes)
        assert.ok(batchCrcFits(batch))
        for (const { offset, value } of readRecords(batch)) {
          assert.equal(offset, values.length, 'offsets are dense')
          values.push(String(value))
        }
        start += batch.length
      }
    }
    all.push(values)
  }
  await log.close()
  await metadata.close()
  return all
}
