import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PipelineHttpServer } from './http-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-http-'))
const socketPath = join(folder, 'p.sock')
const shared = new PipelineHttpServer()
/** Stands in for the thread of a pipeline. */
const pipeline = createServer((request, response) => {
  if (request.url === '/cut') {
    response.writeHead(200, { 'content-length': 100 })
    response.write('the beginning')
    setTimeout(() => request.socket.destroy(), 20)
  } else response.end(`${request.method} ${request.url}`)
})
let url: string

before(async () => {
  await new Promise<void>(resolve => pipeline.listen(socketPath, () => resolve()))
  url = `http://127.0.0.1:${await shared.listen('127.0.0.1', 0)}`
})
after(async () => {
  await shared.close()
  pipeline.close()
  rmSync(folder, { recursive: true })
})

const offer = { pipelineId: 'pi', pipelineName: 'my pipe', paths: ['/post', '/cut'], socketPath }

test('an endpoint is served at its own path and below its pipeline, while it is registered', async () => {
  const withdraw = shared.offer(offer)
  const text = async (path: string) => (await fetch(url + path, { method: 'POST', body: 'x' })).text()
  assert.equal(await text('/post?a=1'), 'POST /post?a=1')
  assert.equal(await text('/my%20pipe/post'), 'POST /post')
  withdraw()
  assert.equal((await fetch(`${url}/post`)).status, 404)
})

test('the first of several pipelines owns the path', async () => {
  const other = { pipelineId: 'other', pipelineName: 'other', paths: ['/post'], socketPath: join(folder, 'none.sock') }
  const withdraw = [shared.offer(offer), shared.offer(other)]
  assert.equal((await fetch(`${url}/post`)).status, 200)
  // Nothing listens there.
  assert.equal((await fetch(`${url}/other/post`)).status, 503)
  for (const one of withdraw) one()
})

test('a response that a pipeline does not finish still ends', { timeout: 10_000 }, async () => {
  const withdraw = shared.offer(offer)
  const response = await fetch(`${url}/cut`)
  await assert.rejects(response.text())
  withdraw()
})
