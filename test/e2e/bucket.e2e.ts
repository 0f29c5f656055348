// `penstock bucket check` and `bucket rebuild` over a standalone server's folder and over a cluster of separate
// processes.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { type LocalCluster, startLocalCluster } from '../servers/local-cluster.ts'
import { hasPostgres } from '../servers/postgres-server.ts'
import { Api, consume, freePorts, produce, program, startProgram, untilForgotten } from './support.ts'

const parent = mkdtempSync(join(tmpdir(), 'penstock-bucket-'))
after(() => rmSync(parent, { recursive: true, force: true }))

function check(...flags: string[]) {
  const { status, stdout, stderr } = spawnSync(program, ['bucket', 'check', ...flags], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('the folder of a standalone server is checked once the server has stopped', async () => {
  const folder = join(parent, 'data')
  const server = await startProgram(['standalone', `-dataDir=${folder}`, ...freePorts])
  try {
    await produce(server.kafkaAddress, 'orders', ['a', 'b', 'c'])
    const inUse = check('-dataDir', folder)
    assert.equal(inUse.status, 1)
    assert.match(inUse.stderr, /is in use by another process/)
  } finally {
    await server.stop()
  }
  const sound = check('-dataDir', folder)
  assert.equal(sound.status, 0, sound.stderr)
  assert.match(sound.stdout, /^1 partitions, 3 offsets in 1 extents, .* 0 damaged, 0 notes\n$/)

  const [object] = readdirSync(join(folder, 'bucket', 'data'), { recursive: true, withFileTypes: true }).filter(entry =>
    entry.isFile(),
  )
  assert.ok(object)
  rmSync(join(object.parentPath, object.name))
  const damaged = check('-dataDir', folder)
  assert.equal(damaged.status, 1)
  assert.match(damaged.stdout, /^damage: data\/\d+\/\d+: orders\/0: the object with the offsets 0 to 2 is missing\n/)
})

test('a standalone server whose database is destroyed restores it from its bucket', async () => {
  const folder = join(parent, 'lost')
  const start = () => startProgram(['standalone', `-dataDir=${folder}`, ...freePorts])
  const server = await start()
  await produce(server.kafkaAddress, 'orders', ['a', 'b', 'c'])
  await produce(server.kafkaAddress, 'others', ['d'])
  await produce(server.kafkaAddress, 'orders', ['e'])
  await server.stop('SIGKILL')
  for (const file of readdirSync(folder)) if (file.startsWith('metadata.sqlite')) rmSync(join(folder, file))

  // With empty metadata all records would be garbage.
  await assert.rejects(start(), /has records but no metadata.sqlite: .*penstock bucket rebuild/)
  const rebuild = () => spawnSync(program, ['bucket', 'rebuild', '-dataDir', folder], { encoding: 'utf8' })
  const { status, stdout, stderr } = rebuild()
  assert.equal(status, 0, stderr)
  assert.match(stdout, /2 topics with 2 partitions and 5 offsets from \d+ objects/)
  assert.match(check('-dataDir', folder).stdout, /^2 partitions, 5 offsets in \d+ extents, .* 0 damaged, 0 notes\n$/)
  const again = rebuild()
  assert.equal(again.status, 1)
  assert.match(again.stderr, /has metadata; move metadata.sqlite away/)

  const revived = await start()
  try {
    await produce(revived.kafkaAddress, 'orders', ['f'])
    const values = await consume(revived.kafkaAddress, 'orders', 5)
    assert.deepEqual(
      values.map(({ value }) => value),
      ['a', 'b', 'c', 'e', 'f'],
    )
  } finally {
    await revived.stop()
  }
})

for (const database of ['sqlite', 'postgres'] as const) {
  const skip = database === 'postgres' && !hasPostgres()
  test(`a cluster whose metadata is lost from ${database} restores it from its bucket`, { skip }, async () => {
    const parts = { agents: 1, controlPlanes: 1, database, store: 'file', auth: 'none' } as const
    const cluster = await startLocalCluster({ ...parts, program: [program] })
    try {
      const [agent] = cluster.agents
      await produce(agent!.address, 'orders', ['a', 'b', 'c'])
      await produce(agent!.address, 'others', ['d'])
      await agent!.end('SIGKILL')
      await cluster.controlPlanes[0]!.end('SIGKILL')
      await forgetMetadata(cluster)

      const flags = [
        ...['-bucketURL', cluster.bucketUrl],
        ...['-defaultVirtualClusterID', cluster.virtualClusterId],
        ...['-databaseURL', cluster.databaseUrl],
      ]
      const rebuild = () => spawnSync(program, ['bucket', 'rebuild', ...flags], { encoding: 'utf8' })
      const { status, stdout, stderr } = rebuild()
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /2 topics with 2 partitions and 4 offsets from \d+ objects/)
      const again = rebuild()
      assert.equal(again.status, 1)
      assert.match(again.stderr, /^penstock bucket rebuild: the metadata could not be made: /)

      const controlPlane = await cluster.restartControlPlane(0)
      const api = await Api.connect({ apiUrl: `${controlPlane.address}/api/v1`, apiKey: cluster.apiKey })
      await untilForgotten(api, agent!)
      const { address } = await cluster.addAgent()
      await produce(address, 'orders', ['e'])
      const values = await consume(address, 'orders', 4)
      assert.deepEqual(
        values.map(({ value }) => value),
        ['a', 'b', 'c', 'e'],
      )
    } finally {
      await cluster.close()
    }
  })
}

/** Deletes the metadata of a cluster's records from the database. */
async function forgetMetadata({ databaseUrl, virtualClusterId }: LocalCluster): Promise<void> {
  if (databaseUrl.startsWith('sqlite:')) {
    const file = `${databaseUrl.slice('sqlite:'.length)}.${virtualClusterId}`
    assert.ok(existsSync(file))
    for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true })
    return
  }
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(`DROP SCHEMA "${virtualClusterId}" CASCADE`)
  await client.end()
}

test('an empty folder is refused and left unchanged', () => {
  const { status, stderr } = check('-dataDir', join(parent, 'missing'))
  assert.equal(status, 1)
  assert.match(stderr, /is not the data folder of a standalone server/)
  assert.equal(existsSync(join(parent, 'missing')), false)
})

test('a running cluster is checked with the flags of an agent', async () => {
  const cluster = await startLocalCluster({
    agents: 1,
    controlPlanes: 1,
    database: 'sqlite',
    store: 'file',
    auth: 'none',
    program: [program],
  })
  try {
    await produce(cluster.agents[0]!.address, 'orders', ['a', 'b'])
    const flags = [
      ...['-bucketURL', cluster.bucketUrl],
      ...['-agentKey', cluster.agentKey],
      ...['-defaultVirtualClusterID', cluster.virtualClusterId],
      ...['-metadataURL', cluster.controlPlanes[0]!.address],
    ]
    const { status, stdout, stderr } = check(...flags)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /, 2 offsets in 1 extents, .* 0 damaged, 0 notes\n$/)

    const elsewhere = check(...flags, '-bucketURL', `file://${parent}`)
    assert.equal(elsewhere.status, 1)
    assert.match(elsewhere.stderr, /^penstock bucket check: -bucketURL: /)
  } finally {
    await cluster.close()
  }
})
