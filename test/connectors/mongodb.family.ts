import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePort } from '../servers/ports.ts'

const version = 'v1.24.0'

const mongodb: Family = {
  summary: "MongoDB's protocol, served by FerretDB (built by Go)",
  folders: ['src/components/mongodb'],
  slow: true,
  async start({ folder }) {
    const port = await freePort()
    const server = await ServerProcess.start({
      program: installFerretdb(),
      args: [
        '--handler=sqlite',
        `--sqlite-url=file:${folder}/`,
        `--state-dir=${folder}`,
        `--listen-addr=127.0.0.1:${port}`,
        '--debug-addr=-',
        '--telemetry=disable',
        '--log-level=error',
      ],
      ports: [port],
    })
    return {
      environment: { PENSTOCK_TEST_MONGODB: `mongodb://127.0.0.1:${port}` },
      close: () => server.stop(),
    }
  },
}

/** Builds FerretDB from its Go module, as MongoDB itself is in no registry of packages. */
function installFerretdb(): string {
  const folder = resolve('.tmp/connectors/go')
  const program = join(folder, 'ferretdb')
  if (existsSync(program)) return program
  const { Dir } = JSON.parse(runGo(['mod', 'download', '-json', `github.com/FerretDB/FerretDB@${version}`])) as {
    readonly Dir: string
  }
  const source = join(folder, 'ferretdb-source')
  cpSync(Dir, source, { recursive: true })
  // The module has its version in a file that releases are built with.
  chmodSync(join(source, 'build/version'), 0o755)
  rmSync(join(source, 'build/version/version.txt'), { force: true })
  writeFileSync(join(source, 'build/version/version.txt'), version)
  runGo(['build', '-C', source, '-mod=mod', '-o', program, './cmd/ferretdb'])
  return program
}

function runGo(args: readonly string[]): string {
  const go = existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : 'go'
  const result = spawnSync(go, args, { encoding: 'utf8' })
  if (result.status !== 0)
    throw new Error(`FerretDB could not be built with Go: ${result.stderr ?? result.error?.message}`)
  return result.stdout
}

export default mongodb
