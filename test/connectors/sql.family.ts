import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { makeAuthority } from '../servers/certificates.ts'
import { startPostgresServer } from '../servers/postgres-server.ts'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePorts } from '../servers/ports.ts'

const sql: Family = {
  summary: 'PostgreSQL and MariaDB',
  folders: ['src/components/sql'],
  debian: { '/usr/lib/postgresql': 'postgresql', mariadbd: 'mariadb-server' },
  async start({ folder }) {
    const postgres = await startPostgresServer()
    const [port, tlsPort] = await freePorts(2)
    const mariadb = await startMariadb(folder, 'plain', port)
    const encrypted = await startMariadb(folder, 'tls', tlsPort, await certificateFlags(folder))
    return {
      environment: {
        PENSTOCK_TEST_POSTGRES: `${postgres.url}?sslmode=disable`,
        PENSTOCK_TEST_MYSQL: `root@tcp(127.0.0.1:${port})/test`,
        PENSTOCK_TEST_MYSQL_TLS: `root@tcp(127.0.0.1:${tlsPort})/`,
      },
      async close() {
        await mariadb.stop()
        await encrypted.stop()
        await postgres.close()
      },
    }
  },
}

/** Anyone may connect as root, without a password; there is an empty database `test`. */
export async function startMariadb(
  folder: string,
  name: string,
  port: number,
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  const data = join(folder, `mariadb-${name}`)
  mkdirSync(data)
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? ['--user=nobody'] : []
  if (isRoot) {
    chownSync(folder, 65_534, 65_534)
    chownSync(data, 65_534, 65_534)
  }
  const installed = spawnSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-name-resolve', ...user],
    { encoding: 'utf8' },
  )
  if (installed.status !== 0) throw new Error(`mariadb-install-db failed: ${installed.stderr}`)
  const server = await ServerProcess.start({
    program: 'mariadbd',
    args: [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(data, 'socket')}`,
      `--pid-file=${join(data, 'pid')}`,
      '--skip-grant-tables',
      '--skip-networking=0',
      '--innodb-flush-log-at-trx-commit=0',
      ...flags,
      ...user,
    ],
    ports: [port],
  })
  return server
}

/** The flags that enable encrypted connections on a server. */
async function certificateFlags(folder: string): Promise<readonly string[]> {
  const { cert, key } = await (await makeAuthority()).issue('localhost')
  const [certFile, keyFile] = [join(folder, 'mariadb.crt'), join(folder, 'mariadb.key')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  return [`--ssl-cert=${certFile}`, `--ssl-key=${keyFile}`]
}

export default sql
