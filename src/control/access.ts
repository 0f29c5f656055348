import type { AccessGrant } from './api-types.ts'
import type { AccessNeeds } from './contract/access.ts'
import { ControlError } from './errors.ts'

/** The sender of a request, by the grants of an API key. A browser has those of the key that it signed in with. */
export interface Caller {
  readonly grants: readonly AccessGrant[]
}

/** An unrestricted program: the whole workspace, read and write. */
export const unrestricted: Caller = {
  grants: [{ principal_kind: 'app', resource_kind: '*', resource_id: '*' }],
}

const applicationKinds: readonly string[] = ['app', 'app_r', '*']
const readOnlyKinds: readonly string[] = ['app_r', 'agent_r']

/**
 * Throws `invalid_api_key` if a key is needed and there is none, and `forbidden` if the key's grants do not suffice.
 * `clusterId` is the cluster that the request names.
 */
export function authorize(needs: AccessNeeds, caller: Caller | undefined, clusterId?: string): void {
  if (needs.key === 'none') return
  if (caller === undefined)
    throw new ControlError('invalid_api_key', 'sign in, or send an API key in the header warpstream-api-key')
  const grants = caller.grants.filter(grant => applicationKinds.includes(grant.principal_kind))
  if (grants.length === 0) throw new ControlError('forbidden', 'this requires an application key, not an agent key')
  if (needs.grant === 'none') return
  const matching = grants.filter(
    grant => coversWorkspace(grant) || (needs.grant === 'cluster' && covers(grant, clusterId)),
  )
  if (matching.length === 0) {
    const what =
      needs.grant === 'workspace' ? 'the whole workspace' : `the virtual cluster ${JSON.stringify(clusterId)}`
    throw new ControlError('forbidden', `the key has no grant for ${what}`)
  }
  if (!needs.readOnlyKey && matching.every(grant => readOnlyKinds.includes(grant.principal_kind)))
    throw new ControlError('forbidden', 'the key is read-only')
}

/** Whether `authorize` would succeed. */
export function isAuthorized(needs: AccessNeeds, caller: Caller, clusterId?: string): boolean {
  try {
    authorize(needs, caller, clusterId)
    return true
  } catch (error) {
    if (error instanceof ControlError) return false
    throw error
  }
}

function coversWorkspace({ resource_kind, resource_id }: AccessGrant): boolean {
  return resource_kind === '*' && resource_id === '*'
}

function covers({ resource_kind, resource_id }: AccessGrant, clusterId: string | undefined): boolean {
  return resource_kind === 'virtual_cluster' && (resource_id === '*' || resource_id === clusterId)
}
