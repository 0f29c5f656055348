import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { systemClock, systemRandom } from '../base/index.ts'
import { metadataSuite } from './metadata.suite.ts'
import { openSqliteMetadata } from './sqlite/sqlite-metadata.ts'

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

  it('say when they can not be opened', async () => {
    await assert.rejects(open(join(folder, 'no', 'such', 'folder.db')), /cannot open/)
  })
})
