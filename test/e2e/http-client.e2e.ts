import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { portOf } from '../servers/ports.ts'

const program = join(import.meta.dirname, '../../bin/penstock')

// undici is CommonJS and loaded with the first request, which works differently in the bundle.
test('the built program sends requests and follows redirects', async t => {
  const server = createServer((request, response) => {
    if (request.url === '/') response.writeHead(307, { Location: '/there' }).end()
    else void text(request).then(body => response.end(`${request.url} ${body}`))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const port = portOf(server)
  const folder = mkdtempSync(join(tmpdir(), 'penstock-http-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `http:
  enabled: false
input:
  generate:
    count: 2
    interval: ""
    mapping: root = "message"
pipeline:
  processors:
    - http:
        url: http://127.0.0.1:${port}/
output:
  stdout: {}
logger:
  level: 'off'
`,
  )
  const run = spawn(program, ['run', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.equal(await text(run.stdout), '/there message\n/there message\n')
})
