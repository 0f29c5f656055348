import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { systemClock, systemRandom } from '../base/index.ts'
import { metadataSuite } from './metadata.suite.ts'
import { openSqliteMetadata } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'penstock-metadata-'))
after(() => rm(folder, { recursive: true }))
let files = 0
const freshPath = () => join(folder, `${files++}.db`)

metadataSuite('memory', world => openSqliteMetadata({ path: ':memory:', ...world }))
metadataSuite('a file, with its thread', world => openSqliteMetadata({ path: freshPath(), ...world }))

describe('metadata in a file', () => {
  const open = (path: string) => openSqliteMetadata({ path, clock: systemClock, random: systemRandom })

  it('are there again after they were closed', async () => {
    const path = freshPath()
    const first = await open(path)
    await first.createTopics([{ name: 'one', partitions: 2, configs: {} }])
    const before = first.catalog().byName.get('one')
    await first.close()
    const second = await open(path)
    assert.equal(second.clusterId, first.clusterId)
    assert.deepEqual(second.catalog().byName.get('one'), before)
    await second.close()
  })

  it('are shared by processes: what one creates the other hears of when it asks', async () => {
    const path = freshPath()
    const [one, other] = [await open(path), await open(path)]
    await one.createTopics([{ name: 'one', partitions: 1, configs: {} }])
    assert.equal(other.catalog().byName.size, 0)
    assert.equal((await other.refresh()).byName.size, 1)
    await one.close()
    await other.close()
  })

  it('are lost when their thread ends: listeners hear of it once, before those who wait', async () => {
    const path = freshPath()
    let thread: Worker | undefined
    process.once('worker', worker => (thread = worker))
    const metadata = await open(path)
    assert.equal(thread?.threadName, 'metadata')
    await metadata.createTopics([{ name: 'one', partitions: 1, configs: {} }])
    const heard: string[] = []
    metadata.onLost(({ message }) => heard.push(message))
    const exited = thread.terminate()
    const waiting = metadata.listGroups().catch((error: Error) => heard.push(error.message))
    await exited
    await waiting
    assert.deepEqual(heard, Array(2).fill('the metadata are lost: the thread of the database ended'))
    await assert.rejects(metadata.listGroups(), { code: 'closed' })
    await metadata.close()
    const again = await open(path)
    assert.ok(again.catalog().byName.has('one'), 'what was answered is kept')
    await again.close()
  })

  it('are not lost when they are closed', async () => {
    const metadata = await open(freshPath())
    let isLost = false
    metadata.onLost(() => (isLost = true))
    await metadata.close()
    assert.equal(isLost, false)
  })

  it('say when they can not be opened', async () => {
    await assert.rejects(open(join(folder, 'no', 'such', 'folder.db')), /cannot open/)
  })
})
