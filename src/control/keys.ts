import type { Clock, Random } from '../base/index.ts'
import type { Database, Sql } from '../database/index.ts'
import type { Caller } from './access.ts'
import type { AccessGrant } from './api-types.ts'
import { workspaceId } from './clusters.ts'
import { ensured } from './ensure.ts'
import { ControlError } from './errors.ts'
import { newId, newSecret } from './ids.ts'
import type { Key, StoredKey } from './model.ts'
import { hashSecret, type Sealer } from './sealing.ts'
import * as store from './store/store.ts'

const principalKinds = ['app', 'app_r', 'agent', 'agent_r', '*']

export interface KeysOptions {
  readonly database: Database
  readonly sealer: Sealer
  readonly clock: Clock
  readonly random: Random
}

/**
 * The API keys of the workspace. Callers are recognised by the hash of a secret; the secret itself is stored sealed.
 */
export class Keys {
  readonly #options: KeysOptions

  /** Seals secrets that an earlier version stored in plain text. Rejects with a SealingKeyError if the key is wrong. */
  static async open(options: KeysOptions): Promise<Keys> {
    const keys = new Keys(options)
    await options.database.transaction({ kind: 'write' }, async sql => {
      for (const { key, secret } of await store.takeClearKeys(sql))
        await store.insertKey(sql, keys.#stored({ ...key, secret }))
    })
    await keys.list()
    return keys
  }

  private constructor(options: KeysOptions) {
    this.#options = options
  }

  /** All keys with their secrets, oldest first. */
  async list(): Promise<Key[]> {
    const stored = await this.#options.database.transaction({ kind: 'read' }, sql => store.listKeys(sql))
    return stored.map(key => this.#opened(key))
  }

  /** `name` may have the prefix `akn_` or not. */
  async create(name: string, grants: readonly AccessGrant[]): Promise<Key> {
    const body = name.replace(/^akn_/, '')
    if (!/^[A-Za-z0-9_]{1,128}$/.test(body))
      throw new ControlError('invalid_request', 'name has to have 1 to 128 letters, digits and underscores')
    if (grants.length === 0) throw new ControlError('invalid_request', 'access_grants is empty')
    const key = this.#newKey(`akn_${body}`, grants.map(completeGrant))
    await this.#options.database.transaction({ kind: 'write' }, async sql => {
      for (const { resource_kind, resource_id } of key.grants)
        if (resource_kind === 'virtual_cluster' && resource_id !== '*') await checkCluster(sql, resource_id)
      if ((await store.findKeyByName(sql, key.name)) !== undefined)
        throw new ControlError('duplicate_api_key_name', `duplicate_api_key_name: there is a key ${key.name} already`)
      await store.insertKey(sql, this.#stored(key))
    })
    return key
  }

  /** The key of this name; if it is missing, it is created with this secret. */
  ensure(name: string, grant: AccessGrant, secret?: string): Promise<Key> {
    const find = async (sql: Sql) => {
      const known = await store.findKeyByName(sql, name)
      if (known !== undefined) return this.#opened(known)
      const key = this.#newKey(name, [grant], secret)
      await store.insertKey(sql, this.#stored(key))
      return key
    }
    return ensured(() => this.#options.database.transaction({ kind: 'write' }, find))
  }

  /** Deletes a key and signs out the browsers that signed in with it. */
  async delete(id: string): Promise<void> {
    const existed = await this.#options.database.transaction({ kind: 'write' }, async sql => {
      await store.deleteSessionsOfKey(sql, id)
      return store.deleteKey(sql, id)
    })
    if (!existed) throw new ControlError('api_key_not_found', `there is no API key ${JSON.stringify(id)}`)
  }

  /** The owner of this secret and the key's id; undefined if it belongs to no key. */
  async authenticate(secret: string): Promise<(Caller & { readonly keyId: string }) | undefined> {
    const hash = hashSecret(secret)
    const key = await this.#options.database.transaction({ kind: 'read' }, sql => store.findKeyByHash(sql, hash))
    return key && { keyId: key.id, grants: key.grants }
  }

  #newKey(name: string, grants: readonly AccessGrant[], secret?: string): Key {
    const { clock, random } = this.#options
    return {
      id: newId('aki', random),
      name,
      secret: secret ?? newSecret('aks', random),
      grants,
      createdAt: clock.now(),
    }
  }

  #stored({ secret, ...key }: Key): StoredKey {
    return { ...key, secretHash: hashSecret(secret), sealedSecret: this.#options.sealer.seal(secret, key.id) }
  }

  #opened({ id, name, grants, createdAt, sealedSecret }: StoredKey): Key {
    return { id, name, grants, createdAt, secret: this.#options.sealer.open(sealedSecret, id) }
  }
}

function completeGrant(grant: AccessGrant): AccessGrant {
  const { principal_kind, resource_kind, resource_id, workspace_id } = grant
  if (!principalKinds.includes(principal_kind))
    throw new ControlError(
      'invalid_request',
      `principal_kind has to be one of ${principalKinds.join(', ')}, not ${JSON.stringify(principal_kind)}`,
    )
  const isWorkspace = resource_kind === '*' && resource_id === '*'
  if (principal_kind.startsWith('agent') && resource_kind !== 'virtual_cluster')
    throw new ControlError('invalid_request', 'an agent grant has the resource_kind "virtual_cluster"')
  if (!isWorkspace && resource_kind !== 'virtual_cluster')
    throw new ControlError(
      'invalid_request',
      'a grant is either for the resource_kind "virtual_cluster" or for everything: resource_kind "*", resource_id "*"',
    )
  if (workspace_id !== undefined && workspace_id !== '' && workspace_id !== workspaceId)
    throw new ControlError('workspace_not_found', `there is no workspace ${JSON.stringify(workspace_id)}`)
  return principal_kind.startsWith('agent') ? grant : { ...grant, workspace_id: workspaceId }
}

async function checkCluster(sql: Sql, id: string): Promise<void> {
  if ((await store.findCluster(sql, id)) === undefined)
    throw new ControlError('virtual_cluster_not_found', `there is no virtual cluster ${JSON.stringify(id)}`)
}
