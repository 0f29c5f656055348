import type { ApiKey } from '../../api/types.ts'

/** A key's purpose, by the kind of principal that its grants name. */
export const kinds = [
  { kind: 'app', label: 'Application' },
  { kind: 'app_r', label: 'Read only' },
  { kind: 'agent', label: 'Agent' },
  { kind: '*', label: 'Any use' },
] as const

export type KeyKind = (typeof kinds)[number]['kind']

/** A key without grants is of no use; it is shown as an application's. */
export function kindOf({ access_grants: [first] }: ApiKey): (typeof kinds)[number] {
  return kinds.find(one => one.kind === first?.principal_kind) ?? kinds[0]
}
