import type { Session } from '../api-types.ts'
import { ControlError } from '../errors.ts'
import { visibleClusters } from './clusters.ts'
import type { Call, Handlers } from './endpoint.ts'

export const sessionHandlers: Handlers<'create_session' | 'describe_session' | 'delete_session'> = {
  async create_session(call, { token }) {
    const { secret, maxAgeMs, caller } = await call.plane.sessions.signIn(token)
    const session = await describe({ ...call, caller })
    call.cookie.set(secret, maxAgeMs)
    return session
  },

  describe_session: describe,

  async delete_session({ plane, cookie }) {
    // Without the cookie, this may be a page of another site trying to sign the browser out.
    if (cookie.secret === undefined) return {}
    await plane.sessions.signOut(cookie.secret)
    cookie.clear()
    return {}
  },
}

async function describe(call: Call): Promise<Session> {
  const { version, isEphemeral } = call.plane.options
  const [oldest] = await visibleClusters(call)
  if (oldest === undefined) throw new ControlError('forbidden', 'the key has no grant for any virtual cluster')
  return { default_virtual_cluster_id: oldest.id, version, is_ephemeral: isEphemeral }
}
