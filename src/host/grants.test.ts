import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Capability } from '../base/index.ts'
import { allGrants, GrantError } from './grants.ts'
import { grantedEnvironment, grantedHost, readGrants } from './granted-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-grants-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'data/below'), { recursive: true })
writeFileSync(join(folder, 'data/in.txt'), 'granted')
writeFileSync(join(folder, 'secret.txt'), 'secret')
symlinkSync(join(folder, 'secret.txt'), join(folder, 'data/link.txt'))
symlinkSync(folder, join(folder, 'data/up'))

const hostOf = (grants: string) => grantedHost({ grants: readGrants(grants), ownPorts: [] })
const refuses = (grants: string, capability: Capability, target?: string) =>
  hostOf(grants).refusal!(capability, target) !== undefined

test('a list of grants names capabilities, each whole or with a pattern', () => {
  assert.deepEqual(readGrants(' files=/data, env=PIPELINE_* ,stdio,'), [
    { capability: 'files', pattern: '/data' },
    { capability: 'environment', pattern: 'PIPELINE_*' },
    { capability: 'stdio', pattern: null },
  ])
  assert.deepEqual(readGrants(''), [])
})

test('an invalid list of grants is rejected with a hint', () => {
  const refusal = (text: string) => {
    try {
      readGrants(text)
    } catch (error) {
      assert.ok(error instanceof GrantError)
      return error.message
    }
    return assert.fail(`${text} was accepted`)
  }
  assert.match(refusal('file=/data'), /"file" is not a capability; those are files, database_files, processes, env/)
  assert.match(refusal('files='), /write files alone to grant all of it/)
  assert.match(refusal('stdio=1'), /stdio takes no pattern/)
  assert.match(refusal('network=example.com:80'), /not an address or a range/)
})

test('only the network is granted by default', () => {
  for (const { capability } of allGrants) assert.equal(refuses('', capability), capability !== 'network', capability)
  for (const { capability } of allGrants) {
    assert.equal(grantedHost({ grants: allGrants, ownPorts: [80] }).refusal!(capability, 'x:80'), undefined)
  }
})

test('a folder is granted with everything below it, but not what a link or `..` leads to', async () => {
  const { files } = hostOf(`files=${folder}/data`)
  assert.equal(files.readFileSync(`${folder}/data/in.txt`).toString(), 'granted')
  await files.writeFile(`${folder}/data/below/../out.txt`, 'x')
  for (const path of [
    'secret.txt',
    'data/../secret.txt',
    'data/link.txt',
    'data/up/secret.txt',
    'data/up/new.txt',
    'database',
    'data/up/../out.txt',
    'data/below/../up/data/../../secret.txt',
  ]) {
    await assert.rejects(files.readFile(`${folder}/${path}`), { code: 'not_granted', capability: 'files' }, path)
    await assert.rejects(files.writeFile(`${folder}/${path}`, 'x'), { code: 'not_granted' }, path)
  }
  await assert.rejects(files.rename(`${folder}/data/in.txt`, `${folder}/stolen.txt`), { code: 'not_granted' })
  await assert.rejects(files.copyFile(`${folder}/secret.txt`, `${folder}/data/stolen.txt`), { code: 'not_granted' })
})

test('a file pattern is granted if it starts in the folder and matches nothing outside', () => {
  const { files } = hostOf(`files=${folder}/data`)
  assert.throws(() => files.glob(`${folder}/data/*.txt`), { code: 'not_granted' }, 'one of them is a link')
  assert.deepEqual(files.glob(`${folder}/data/in*`), [`${folder}/data/in.txt`])
  assert.throws(() => files.glob(`${folder}/*.txt`), { code: 'not_granted' })
})

test('variables and programs are granted by name, where `*` matches anything', () => {
  const environment = { PIPELINE_A: '1', PIPELINE_B_KEY: '2', XPIPELINE_A: '3', TZ: 'UTC' }
  const grants = readGrants('env=PIPELINE_*,processes=jq,env=A*Z*')
  assert.deepEqual(Object.keys(grantedEnvironment(grants, environment)), ['PIPELINE_A', 'PIPELINE_B_KEY', 'TZ'])
  assert.equal(refuses('env=A*Z*', 'environment', 'AZ'), false)
  assert.equal(refuses('env=A*Z*', 'environment', 'ABZC'), false)
  assert.equal(refuses('env=A*Z', 'environment', 'ABZC'), true)
  assert.equal(refuses('env=A*AB', 'environment', 'AB'), true)
  assert.equal(refuses('processes=jq', 'processes', '/tmp/jq'), true)
  assert.equal(refuses('processes=jq', 'processes', 'jq'), false)
})

test('listening addresses are granted by port, or by host and port', () => {
  assert.equal(refuses('listen=8081', 'listen', '0.0.0.0:8081'), false)
  assert.equal(refuses('listen=8081', 'listen', ':8082'), true)
  assert.equal(refuses('listen=127.0.0.1:8081', 'listen', '127.0.0.1:8081'), false)
  assert.equal(refuses('listen=127.0.0.1:8081', 'listen', ':8081'), true)
})

test('a database in memory needs no grant, and cannot reach files', () => {
  const database = hostOf('').databases.open(':memory:', {})
  database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1); VACUUM')
  const path = join(folder, 'attached.db')
  for (const statement of [
    `ATTACH '${path}' AS x`,
    `ATTACH 'file:${path}?mode=rwc' AS x`,
    `ATTACH '/tmp/' || 'x.db' AS x`,
    `VACUUM INTO '${path}'`,
    `PRAGMA temp_store_directory = '${folder}'`,
    'PRAGMA temp_store = 1',
  ]) {
    assert.throws(() => database.exec(statement), /authoriz|denied/, statement)
  }
  database.close()
})

test('database files are granted by folder, including those that a statement attaches', () => {
  const { databases } = hostOf(`database_files=${folder}/data`)
  assert.throws(() => databases.open(join(folder, 'x.db'), {}), { code: 'not_granted', capability: 'database_files' })
  assert.throws(() => databases.open(`${folder}/data/up/../x.db`, {}), { code: 'not_granted' })
  assert.throws(() => databases.open(`file:${folder}/x.db`, {}), { code: 'not_granted' })
  const database = databases.open(join(folder, 'data/x.db'), {})
  database.exec(`ATTACH '${folder}/data/y.db' AS y; CREATE TABLE y.t (a)`)
  assert.throws(() => database.exec(`ATTACH '${folder}/z.db' AS z`), /authorized/)
  database.close()
})

test('mappings read the variables and files that are granted', () => {
  process.env['PENSTOCK_TEST_A'] = 'a'
  const host = hostOf(`files=${folder}/data,env=PENSTOCK_TEST_A`)
  assert.equal(host.env('PENSTOCK_TEST_A'), 'a')
  assert.equal(host.env('PATH'), undefined)
  assert.equal(Buffer.from(host.readFile(join(folder, 'data/in.txt'))).toString(), 'granted')
  assert.throws(() => host.readFile(join(folder, 'secret.txt')), { code: 'not_granted' })
})
