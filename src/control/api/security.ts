import { scramKeysOf } from '../../kafka/index.ts'
import { type Metadata, type StoredAcl, type StoredCredential, storedScramKeys } from '../../metadata/index.ts'
import type { Acl, Credentials } from '../api-types.ts'
import { ControlError } from '../errors.ts'
import { newId, newPassword, newUsername } from '../ids.ts'
import type { ClusterCall, Handlers } from './endpoint.ts'

const saltBytes = 16

export const securityHandlers: Handlers<
  | 'create_virtual_cluster_credentials'
  | 'list_virtual_cluster_credentials'
  | 'delete_virtual_cluster_credentials'
  | 'virtual_clusters/acls/list'
  | 'virtual_clusters/acls/create'
  | 'virtual_clusters/acls/delete'
> = {
  async create_virtual_cluster_credentials(call, request) {
    const name = credentialsName(request.credentials_name)
    const { random } = call.plane.options
    const metadata = await metadataOf(call)
    if ((await metadata.credentials()).some(known => known.name === name))
      throw new ControlError('duplicate_credentials_name', `there are credentials ${name} already`)
    const password = request.imported_password ?? newPassword(random)
    if (password === '') throw new ControlError('invalid_request', 'imported_password is empty')
    const username = newUsername(random)
    const id = newId('cci', random)
    const [sha256, sha512] = await Promise.all(
      (['sha256', 'sha512'] as const).map(hash => scramKeysOf(hash, password, random.bytes(saltBytes))),
    )
    await metadata.putCredentials([
      {
        username,
        id,
        name,
        sha256: storedScramKeys(sha256!),
        sha512: storedScramKeys(sha512!),
        superuser: request.is_cluster_superuser ?? false,
        expiresAt: null,
      },
    ])
    return { id, username, password }
  },

  async list_virtual_cluster_credentials(call) {
    const stored = await (await metadataOf(call)).credentials()
    return { credentials: stored.filter(isOfApi).map(credentials) }
  },

  async delete_virtual_cluster_credentials(call, { id }) {
    const metadata = await metadataOf(call)
    const known = (await metadata.credentials()).find(one => one.id === id)
    if (known === undefined) throw new ControlError('credentials_not_found', `there are no credentials ${id}`)
    await metadata.deleteCredentials([known.username])
    return {}
  },

  async 'virtual_clusters/acls/list'(call) {
    return { acls: (await (await metadataOf(call)).aclRules()).acls.map(shownAcl) }
  },

  async 'virtual_clusters/acls/create'(call, { acl }) {
    if (!/^[^:]+:.+$/.test(acl.principal))
      throw new ControlError('invalid_request', `the principal ${JSON.stringify(acl.principal)} is not like User:name`)
    if (acl.resource_name === '') throw new ControlError('invalid_request', 'resource_name is empty')
    await (await metadataOf(call)).changeAcls({ add: [storedAcl(acl)], remove: [] })
    return { acl }
  },

  async 'virtual_clusters/acls/delete'(call, { acls }) {
    const metadata = await metadataOf(call)
    const known = new Set((await metadata.aclRules()).acls.map(one => JSON.stringify(shownAcl(one))))
    const found = acls.map(inOrder).filter(acl => known.has(JSON.stringify(acl)))
    await metadata.changeAcls({ add: [], remove: found.map(storedAcl) })
    return { acls: found }
  },
}

/** The metadata of the call's cluster. Throws `metadata_unavailable` if it cannot be reached now. */
export async function metadataOf({ plane, cluster }: ClusterCall): Promise<Metadata> {
  const metadata = await plane.options.metadataOf?.(cluster.id)
  if (metadata !== undefined) return metadata
  throw new ControlError(
    'metadata_unavailable',
    `the metadata of ${cluster.name} cannot be reached right now: try again`,
  )
}

/** Users created by Kafka's own tools or for pipelines have no name and are not part of the API. */
function isOfApi({ name }: StoredCredential): boolean {
  return name.startsWith('ccn_')
}

function credentialsName(text: string): string {
  const body = text.replace(/^ccn_/, '')
  if (!/^[\w-]{1,128}$/.test(body))
    throw new ControlError(
      'invalid_request',
      'credentials_name has to have 1 to 128 letters, digits, underscores and dashes',
    )
  return `ccn_${body}`
}

function credentials({ id, name, username, createdAt, superuser }: StoredCredential): Credentials {
  return {
    id,
    name,
    username,
    password: '',
    created_at: new Date(createdAt).toISOString(),
    is_cluster_superuser: superuser,
    read_only: false,
  }
}

/** The API spells enumerations in upper case, the broker in lower case. */
function shownAcl(acl: StoredAcl): Acl {
  return {
    resource_type: acl.resourceType.toUpperCase(),
    resource_name: acl.resourceName,
    pattern_type: acl.patternType.toUpperCase(),
    principal: acl.principal,
    host: acl.host,
    operation: acl.operation.toUpperCase(),
    permission_type: acl.permission.toUpperCase(),
    // Stored values were checked by the API or by the broker, which use the same words.
  } as Acl // see above
}

function inOrder(acl: Acl): Acl {
  return shownAcl(storedAcl(acl))
}

function storedAcl(acl: Acl): StoredAcl {
  return {
    resourceType: acl.resource_type.toLowerCase(),
    resourceName: acl.resource_name,
    patternType: acl.pattern_type.toLowerCase(),
    principal: acl.principal,
    host: acl.host,
    operation: acl.operation.toLowerCase(),
    permission: acl.permission_type.toLowerCase(),
  }
}
