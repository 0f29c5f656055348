// `penstock streams`: many streams from files in one process, through its command line.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { program } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-streams-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function untilReady(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/ready`).catch(() => undefined)
    if (response?.ok === true) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

test('files and folders become streams with shared resources, and a signal stops them cleanly', async () => {
  mkdirSync(join(folder, 'streams/sub'), { recursive: true })
  const port = await freePort()
  write('main.yaml', `http: { address: '127.0.0.1:${port}' }\nlogger: { level: "OFF" }\n`)
  write('resources.yaml', 'output_resources: [ { label: out, file: { path: out.txt, codec: lines } } ]\n')
  write('streams/a.yaml', 'input: { http_server: { path: /in } }\noutput: { resource: out }\n')
  write('streams/sub/b.yml', 'input: { http_server: { path: /in } }\noutput: { drop: {} }\n')
  const child = spawn(program, ['-c', 'main.yaml', '-r', 'resources.yaml', 'streams', 'streams'], {
    cwd: folder,
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  await untilReady(url)
  const streams = JSON.parse(await (await fetch(`${url}/streams`)).text())
  assert.deepEqual(Object.keys(streams), ['a', 'sub_b'])
  assert.equal((await fetch(`${url}/a/in`, { method: 'POST', body: 'hello' })).status, 200)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  assert.match(metrics, /^input_received\{label="",path="root.input",stream="a"\} 1$/m)
  assert.match(metrics, /^output_sent\{label="out",path="root.output_resources",stream=""\} 1$/m)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
  assert.equal(readFileSync(join(folder, 'out.txt'), 'utf8'), 'hello\n')
})

test('a file that is not a stream prevents the start, unless --chilled is set', () => {
  write('service.yaml', 'http: { enabled: false }\n')
  write('odd.yaml', 'input: { stdin: {} }\noutput: { drop: {} }\ncache_resources: []\n')
  const { status, stdout } = spawnSync(program, ['-c', 'service.yaml', 'streams', 'odd.yaml'], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  assert.match(stdout, /odd\.yaml\(3,1\) field cache_resources not recognised/)
  assert.match(stdout, /Shutting down due to stream linter errors, .* with --chilled/)
})
