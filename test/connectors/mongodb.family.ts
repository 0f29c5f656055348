import { chmodSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { goFolder, runGo } from '../servers/go-program.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePort } from '../servers/ports.ts'

const version = 'v1.24.0'
const FAILED = 'FerretDB could not be built with Go'

const mongodb: Family = {
  summary: "MongoDB's protocol, served by FerretDB (built by Go)",
  folders: ['src/components/mongodb'],
  slow: true,
  async start({ folder }) {
    const port = await freePort()
    const server = await ServerProcess.start({ ...ferretdbCommand(port, folder), ports: [port] })
    return {
      environment: { PENSTOCK_TEST_MONGODB: `mongodb://127.0.0.1:${port}` },
      close: () => server.stop(),
    }
  },
}

/** The command that starts a server with its data in a folder. */
export function ferretdbCommand(port: number, folder: string) {
  return {
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
  }
}

/** Builds FerretDB from its Go module, since MongoDB itself is not available from a package registry. */
function installFerretdb(): string {
  const program = join(goFolder, 'ferretdb')
  if (existsSync(program)) return program
  const { Dir }: { readonly Dir: string } = JSON.parse(
    runGo(FAILED, ['mod', 'download', '-json', `github.com/FerretDB/FerretDB@${version}`]),
  )
  const source = join(goFolder, 'ferretdb-source')
  cpSync(Dir, source, { recursive: true })
  // The module reads its version from a file that the release build creates.
  chmodSync(join(source, 'build/version'), 0o755)
  rmSync(join(source, 'build/version/version.txt'), { force: true })
  writeFileSync(join(source, 'build/version/version.txt'), version)
  runGo(FAILED, ['build', '-C', source, '-mod=mod', '-o', program, './cmd/ferretdb'])
  return program
}

export default mongodb
