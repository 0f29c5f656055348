import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePort } from '../servers/ports.ts'

/** Where Debian has Go and the sources of Google's clients. */
const GO = '/usr/bin/go'
const SOURCES = '/usr/share/gocode'

const gcp: Family = {
  summary: "Google Cloud: Pub/Sub, as the server in memory of Google's own tests has it",
  folders: ['src/components/gcp'],
  slow: true,
  debian: {
    [GO]: 'golang-go',
    [`${SOURCES}/src/cloud.google.com/go/pubsub/pstest/fake.go`]: 'golang-google-cloud-dev',
  },
  async start({ folder }) {
    const program = buildPubsub(folder)
    const port = await freePort()
    const server = await ServerProcess.start({ program, args: [String(port)], ports: [port] })
    return { environment: { PENSTOCK_TEST_PUBSUB: `http://127.0.0.1:${port}` }, close: () => server.stop() }
  },
}

export default gcp

/** The path of the server, which is built from Debian's sources. */
function buildPubsub(folder: string): string {
  const program = join(folder, 'pubsub')
  const source = join(import.meta.dirname, '../servers/pubsub/main.go')
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: SOURCES, GOCACHE: join(folder, 'go'), GOFLAGS: '' }
  const { status, stderr } = spawnSync(GO, ['build', '-o', program, source], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the Pub/Sub server could not be built: ${stderr}`)
  return program
}
