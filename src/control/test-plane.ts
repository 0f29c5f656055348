import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { type Database, openSqlite } from '../database/index.ts'
import { type MetadataHub, openSqliteMetadata } from '../metadata/index.ts'
import type { AccessGrant, Finding } from './api-types.ts'
import { readSettings } from './configuration/settings.ts'
import { ControlPlane } from './control-plane.ts'
import { LinkServer } from './link/link-server.ts'
import { ControlServer } from './server.ts'
import * as store from './store/store.ts'

/** State that several control planes share. */
interface SharedDatabase {
  readonly database: Database
  readonly sealingKey: Uint8Array
}

/**
 * Starts a control plane and its HTTP server on an in-memory database; configurations that contain the word `bad` do
 * not lint. With a hub, agents can connect to it, and all clusters have the hub's metadata. With `first` it is one more
 * control plane on the database of that one.
 */
export async function startTestPlane(hub?: MetadataHub, first?: SharedDatabase) {
  const database = first?.database ?? (await openSqlite({ path: ':memory:' }))
  const sealingKey = first?.sealingKey ?? systemRandom.bytes(32)
  const mistake: Finding = { line: 2, column: 3, level: 'error', message: 'field bad not recognised' }
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const plane = await ControlPlane.open({
    database,
    metadataOf: async () => metadata,
    hasManyClusters: true,
    sealingKey,
    lint: async yaml => ({
      settings: readSettings(yaml).settings,
      findings: yaml.includes('bad') ? [mistake] : [],
    }),
    jsonSchema: async () => ({ type: 'object' }),
    version: '0.0.0',
    isEphemeral: true,
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
  })
  const links = hub && (await LinkServer.open({ plane, metadataOf: async () => hub, clock: systemClock, log: nullLog }))
  const server = await ControlServer.listen(plane, {
    consoleFolder: '/nowhere',
    host: '127.0.0.1',
    port: 0,
    ...(links && { links }),
  })
  const defaults = await plane.ensureDefaultCluster()
  const post = async (name: string, body: unknown, headers: Readonly<Record<string, string>>) => {
    const response = await fetch(`${server.url}/api/v1/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, text, json: JSON.parse(text), headers: response.headers }
  }
  return {
    plane,
    url: server.url,
    database,
    metadata,
    sealingKey,
    clusterId: defaults.cluster.id,
    applicationKey: defaults.applicationKey.secret,
    agentKey: defaults.agentKey.secret,
    post,
    /** Posts with this key, or without one if it is undefined. */
    postWith: (key: string | undefined, name: string, body: unknown) =>
      post(name, body, key === undefined ? {} : { 'warpstream-api-key': key }),
    createKey: async (name: string, grants: readonly AccessGrant[]) => (await plane.keys.create(name, grants)).secret,
    createCluster: async (id: string) => {
      const cluster = { id, name: id.replace('vci', 'vcn'), createdAt: systemClock.now() }
      await database.transaction({ kind: 'write' }, sql => store.insertCluster(sql, cluster))
    },
    async close() {
      await links?.close()
      await server.close()
      await plane.close()
      await metadata.close()
      await hub?.close()
      if (first === undefined) await database.close()
    },
  }
}

export type TestPlane = Awaited<ReturnType<typeof startTestPlane>>
