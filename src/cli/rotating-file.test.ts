import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { RotatingFile } from './rotating-file.ts'

const start = Date.parse('2026-01-31T12:00:00.000Z')

function logIn(t: TestContext, maxAgeDays = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const clock = { ms: start }
  const open = () => new RotatingFile(join(folder, 'app.log'), { maxAgeDays, now: () => clock.ms, maxBytes: 20 })
  return { folder, clock, open }
}

test('a log that would exceed its size continues in a new file, and the full one is compressed', async t => {
  const { folder, open } = logIn(t)
  const log = open()
  for (const line of ['first line\n', 'second\n', 'third line\n']) log.write(line)
  await log.settled()
  assert.deepEqual(readdirSync(folder).toSorted(), ['app-2026-01-31T12-00-00.000.log.gz', 'app.log'])
  const rotated = gunzipSync(readFileSync(join(folder, 'app-2026-01-31T12-00-00.000.log.gz'))).toString('utf8')
  assert.equal(rotated, 'first line\nsecond\n')
  assert.equal(readFileSync(join(folder, 'app.log'), 'utf8'), 'third line\n')
})

test('a restarted program counts the existing content of its log', async t => {
  const { folder, open } = logIn(t)
  writeFileSync(join(folder, 'app.log'), 'from an earlier run\n')
  const log = open()
  log.write('now\n')
  await log.settled()
  assert.equal(readFileSync(join(folder, 'app.log'), 'utf8'), 'now\n')
})

test('keeps only the latest rotated file and leaves unrelated files alone', async t => {
  const { folder, clock, open } = logIn(t)
  writeFileSync(join(folder, 'app-notes.log'), 'mine\n')
  const log = open()
  for (let line = 0; line < 3; line++) {
    log.write('as long as a file\n')
    clock.ms += 1000
  }
  await log.settled()
  assert.deepEqual(readdirSync(folder).toSorted(), ['app-2026-01-31T12-00-02.000.log.gz', 'app-notes.log', 'app.log'])
})

test('a rotated file that is too old is deleted', async t => {
  const { folder, clock, open } = logIn(t, 2)
  writeFileSync(join(folder, 'app-2026-01-28T12-00-00.000.log'), 'old\n')
  clock.ms = start
  await open().settled()
  assert.deepEqual(readdirSync(folder), ['app.log'])
})

test('creates the folder of a rotated log', async t => {
  const { folder } = logIn(t)
  const log = new RotatingFile(join(folder, 'new', 'app.log'), { maxAgeDays: 0, now: () => start })
  log.write('now\n')
  await log.settled()
  assert.equal(readFileSync(join(folder, 'new', 'app.log'), 'utf8'), 'now\n')
})
