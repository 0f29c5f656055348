/** The identity of a connection, as in ACLs: `User:name`. */
export interface Principal {
  readonly type: string
  readonly name: string
}

/** The principal of a connection that did not authenticate. */
export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS' }

export function principalText({ type, name }: Principal): string {
  return `${type}:${name}`
}

/** Parses `User:name`; undefined if a part is missing. */
export function parsePrincipal(text: string): Principal | undefined {
  const at = text.indexOf(':')
  if (at <= 0 || at === text.length - 1) return undefined
  return { type: text.slice(0, at), name: text.slice(at + 1) }
}
