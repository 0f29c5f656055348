import assert from 'node:assert/strict'
import test from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { openSqliteMetadata } from '../../metadata/index.ts'
import { openMemoryStore } from '../../storage/index.ts'
import { defaultBrokerConfig } from '../config.ts'
import { topicConfig } from '../topic-config.ts'
import { localLogConfig } from './config.ts'
import { openRecordLog } from './record-log.ts'

test('objects that arrive after their upload epoch was swept are deleted before it is forgotten', async () => {
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const store = openMemoryStore()
  const epoch = await metadata.openEpoch()
  await metadata.closeEpoch(epoch)
  let passedMs = 0
  const log = await openRecordLog({
    metadata,
    store,
    clock: { ...systemClock, monotonic: () => passedMs },
    random: systemRandom,
    log: nullLog,
    config: { ...localLogConfig, housekeepingIntervalMs: 1e6, latePutsMs: 60_000 },
    topicConfig: of => topicConfig(of, defaultBrokerConfig),
  })
  const objects = async () => (await store.list({ prefix: 'data/' })).map(({ key }) => key)
  const late = `data/${epoch}/0000000000`
  await log.runMaintenance()
  await store.put(late, [Buffer.from('late')])
  passedMs = 59_999
  await log.runMaintenance()
  assert.deepEqual(await objects(), [late])
  passedMs = 60_000
  await log.runMaintenance()
  assert.deepEqual(await objects(), [])
  assert.deepEqual(await metadata.closedEpochs(60_000), [])
  await log.close()
  await metadata.close()
})
