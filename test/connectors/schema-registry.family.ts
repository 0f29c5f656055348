import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from '../servers/server-process.ts'
import type { Family } from './family.ts'
import { freePort } from '../servers/ports.ts'

const VERSION = '2.6.13.Final'

const schemaRegistry: Family = {
  summary: "Apicurio's schema registry with Confluent's API, in memory",
  folders: ['src/components/confluent'],
  // Maven downloads 140 MB, and the registry takes half a minute to start.
  slow: true,
  debian: { java: 'openjdk-17-jre-headless', mvn: 'maven' },
  async start({ folder }) {
    const home = join(import.meta.dirname, '../../.tmp/connectors/apicurio')
    install(home)
    const jar = readdirSync(home).find(name => name.endsWith('-runner.jar'))
    if (jar === undefined) throw new Error('the archive of the registry has no runner')
    const port = await freePort()
    const server = await ServerProcess.start({
      program: 'java',
      args: [
        '-Xmx512m',
        `-Dquarkus.http.port=${port}`,
        '-Dquarkus.http.host=127.0.0.1',
        `-Djava.io.tmpdir=${folder}`,
        '-jar',
        join(home, jar),
      ],
      ports: [port],
    })
    return {
      environment: { PENSTOCK_TEST_SCHEMA_REGISTRY: `http://127.0.0.1:${port}/apis/ccompat/v7` },
      close: () => server.stop(),
    }
  },
}

/** Unpacks the registry if it is not there yet. */
function install(home: string): void {
  if (existsSync(join(home, 'lib'))) return
  mkdirSync(home, { recursive: true })
  const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`
  run('mvn', [
    '-q',
    '-B',
    'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${home}`,
  ])
  run('tar', ['-xzf', join(home, `apicurio-registry-app-${VERSION}-all.tar.gz`), '-C', home])
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stdout}${stderr}`)
}

export default schemaRegistry
