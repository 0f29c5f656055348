import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../base/index.ts'
import { startCollecting } from '../collecting.suite.ts'

async function tail(t: TestContext, content: string, more = '') {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-tail-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'app.log')
  await writeFile(path, content)
  const config = `input: { file_tail: { path: ${path}, poll_interval: 5ms ${more} } }`
  return { path, collecting: await startCollecting(t, config) }
}

test('lines are delivered once they are complete, with path and position', async t => {
  const { path, collecting } = await tail(t, 'one\r\n\ntwo\nthr')
  await collecting.until(({ texts }) => texts.length === 2)
  await systemClock.sleep(30)
  assert.deepEqual(collecting.texts, ['one', 'two'])
  await appendFile(path, 'ee\n')
  await collecting.until(({ texts }) => texts.length === 3)
  assert.deepEqual(collecting.texts, ['one', 'two', 'three'])
  assert.deepEqual(
    collecting.messages.map(({ metadata }) => [metadata.get('file_tail_path'), metadata.get('file_tail_position')]),
    [
      [path, '5'],
      [path, '10'],
      [path, '16'],
    ],
  )
})

test('from the end only new lines are read', async t => {
  const { path, collecting } = await tail(t, 'old\n', ', start_position: end')
  await systemClock.sleep(20)
  await appendFile(path, 'new\n')
  await collecting.until(({ texts }) => texts.length === 1)
  assert.deepEqual(collecting.texts, ['new'])
})

test('a rotated file is read to its end, including an unterminated last line, before its successor', async t => {
  const { path, collecting } = await tail(t, 'one\n')
  await collecting.until(({ texts }) => texts.length === 1)
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, 'two\nlast')
  await systemClock.sleep(20)
  await writeFile(path, 'three\n')
  await collecting.until(({ texts }) => texts.length === 4)
  assert.deepEqual(collecting.texts, ['one', 'two', 'last', 'three'])
})

test('a truncated file is read from its beginning', async t => {
  const { path, collecting } = await tail(t, 'one\ntwo\n')
  await collecting.until(({ texts }) => texts.length === 2)
  await truncate(path)
  await systemClock.sleep(30)
  await appendFile(path, 'new\n')
  await collecting.until(({ texts }) => texts.length === 3)
  assert.deepEqual(collecting.texts, ['one', 'two', 'new'])
})

test('lines longer than a chunk stay whole', async t => {
  const long = 'x'.repeat(200_000)
  const { collecting } = await tail(t, `${long}\nshort\n`)
  await collecting.until(({ texts }) => texts.length === 2)
  assert.deepEqual(collecting.texts, [long, 'short'])
})

test('a file that does not exist is an error when the stream starts', async t => {
  const config = 'input: { file_tail: { path: /does/not/exist } }'
  await assert.rejects(startCollecting(t, config), /open \/does\/not\/exist: no such file or directory/)
})
