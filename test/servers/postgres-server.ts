// A separate PostgreSQL server for tests and for clusters on one machine: Debian's programs, an empty data folder, a
// free loopback port.
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './ports.ts'

export interface PostgresServer {
  /** `postgres://…/postgres`; any local client may connect. */
  readonly url: string
  readonly port: number
  /** Processor time of all its processes so far, in milliseconds; available only on Linux. */
  cpuMs(): number
  /** Ends the server immediately, without losing anything that was committed durably; `start` brings it back. */
  crash(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export interface PostgresServerOptions {
  /** Whether commits wait for the disk. Off for tests of behaviour. */
  readonly durable?: boolean
}

/** PostgreSQL refuses to run as root, in which case it runs as this user. */
const UNPRIVILEGED = 65_534

export async function startPostgresServer({ durable = false }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const programs = findPrograms()
  const folder = mkdtempSync(join(tmpdir(), 'penstock-postgres-'))
  const user = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}
  if (user.uid !== undefined) chownSync(folder, UNPRIVILEGED, UNPRIVILEGED)
  const data = join(folder, 'data')
  const initdb = spawnSync(
    join(programs, 'initdb'),
    ['--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
    { ...user, cwd: folder, encoding: 'utf8' },
  )
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.stderr}`)
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: durable ? 'on' : 'off',
    max_connections: 200,
    shared_buffers: '128MB',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ReturnType<typeof spawn> | undefined
  // A test that fails at the wrong moment must not leave a server behind.
  const killAtExit = () => void server?.kill('SIGQUIT')
  process.once('exit', killAtExit)
  const start = async () => {
    server = spawn(join(programs, 'postgres'), ['-D', data, ...flags], { ...user, cwd: folder, stdio: 'ignore' })
    await untilReady(programs, port, server)
  }
  const stop = async (signal: 'SIGINT' | 'SIGQUIT') => {
    if (server === undefined || server.exitCode !== null) return
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
    server = undefined
  }
  await start()
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    cpuMs: () => cpuMsOf(server!.pid!),
    crash: () => stop('SIGQUIT'), // PostgreSQL's immediate shutdown: as after a power failure, it recovers at the start
    start,
    async close() {
      await stop('SIGINT')
      process.removeListener('exit', killAtExit)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Of a process, of its children, and of children that have ended. */
function cpuMsOf(pid: number): number {
  let ticks = 0
  for (const path of globSync('/proc/[0-9]*/stat')) {
    const fields = statOf(path)
    const isParent = path === `/proc/${pid}/stat`
    if (isParent || Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12])
    if (isParent) ticks += Number(fields[13]) + Number(fields[14])
  }
  return ticks * 10
}

/** Fields of `/proc/PID/stat` from the state on; none if the process has ended. */
function statOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(') ').at(-1)!.split(' ')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return []
    throw error
  }
}

/** Whether PostgreSQL's programs are installed. `npm test` installs them if it may. */
export function hasPostgres(): boolean {
  return serverPrograms().length > 0
}

function findPrograms(): string {
  const newest = serverPrograms().at(-1)
  if (newest === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  return dirname(newest)
}

/** Debian keeps the server's programs outside PATH, in one folder per version. */
function serverPrograms(): string[] {
  const version = (path: string) => Number(/postgresql\/(\d+)/.exec(path)?.[1])
  return globSync('/usr/lib/postgresql/*/bin/initdb').toSorted((left, right) => version(left) - version(right))
}

async function untilReady(programs: string, port: number, server: ReturnType<typeof spawn>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended at its start with ${server.exitCode}`)
    const ready = spawnSync(join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', `${port}`, '-q'])
    if (ready.status === 0) return
    await sleep(100)
  }
  throw new Error('PostgreSQL did not get ready within a minute')
}
