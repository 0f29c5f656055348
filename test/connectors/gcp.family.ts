import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { goProgram } from '../servers/go-program.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

/** Where Debian installs Go and the sources of Google's clients. */
const GO = '/usr/bin/go'
const SOURCES = '/usr/share/gocode'

const gcp: Family = {
  summary:
    "Google Cloud: Pub/Sub by the server of Google's own tests, Cloud Storage by fake-gcs-server (both built by Go)",
  folders: ['src/components/gcp'],
  slow: true,
  debian: {
    [GO]: 'golang-go',
    [`${SOURCES}/src/cloud.google.com/go/pubsub/pstest/fake.go`]: 'golang-google-cloud-dev',
  },
  async start({ folder }) {
    const [pubsub, storage] = await freePorts(2)
    const servers = [
      await ServerProcess.start({ program: buildPubsub(folder), args: [String(pubsub)], ports: [pubsub] }),
      await ServerProcess.start({
        program: goProgram('github.com/fsouza/fake-gcs-server', 'v1.56.1'),
        args: ['-backend', 'memory', '-data', join(folder, 'none'), '-scheme', 'http', '-host', '127.0.0.1'].concat([
          '-port',
          String(storage),
          '-log-level',
          'warn',
        ]),
        ports: [storage],
      }),
    ]
    return {
      environment: {
        PENSTOCK_TEST_PUBSUB: `http://127.0.0.1:${pubsub}`,
        PENSTOCK_TEST_GCS: `http://127.0.0.1:${storage}`,
      },
      close: async () => void (await Promise.all(servers.map(server => server.stop()))),
    }
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
