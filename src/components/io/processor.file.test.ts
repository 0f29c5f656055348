import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { startStream } from '../../engine/index.ts'
import { createRegistry } from '../index.ts'
import { systemHost } from '../../host/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-file-'))
after(() => rmSync(folder, { recursive: true }))

test('a file is written, moved, read and deleted', async () => {
  const config = `input: { generate: { count: 1, interval: '', mapping: 'root = "a\\nb"' } }
pipeline:
  processors:
    - file: { operation: write, path: ${folder}/x/one.txt }
    - file: { operation: move, path: ${folder}/x/one.txt, destination_path: ${folder}/y/two.txt }
    - file: { operation: read, path: ${folder}/y/two.txt, scanner: { lines: {} } }
    - mapping: 'root = "%s of %v".format(content().string(), @file_name)'
    - file: { operation: delete, path: ${folder}/y/two.txt }
    - catch: []
output: { file: { path: ${folder}/out.txt } }
`
  const options = { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog }
  await (await startStream(config, options)).done
  assert.equal(readFileSync(join(folder, 'out.txt'), 'utf8'), 'a of two.txt\nb of two.txt\n')
  assert.equal(existsSync(join(folder, 'x/one.txt')) || existsSync(join(folder, 'y/two.txt')), false)
})
