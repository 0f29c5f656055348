import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Empty, DescribeSessionResponse } from './api-types.ts'
import { Body } from './api/endpoint.ts'
import type { Caller, ControlPlane } from './control-plane.ts'
import { ControlError } from './errors.ts'

const keyHeader = 'warpstream-api-key'

/** Who sends this request: by key, or by the session cookie of a signed-in browser. */
export async function callerOf(plane: ControlPlane, request: FastifyRequest): Promise<Caller> {
  const key = request.headers[keyHeader]
  if (typeof key === 'string') {
    const caller = await plane.authenticate(key)
    if (caller === undefined) throw new ControlError('invalid_api_key', 'the API key is not known')
    return caller
  }
  const session = sessionOf(request)
  if (session === undefined) throw new ControlError('invalid_api_key', `sign in, or send the header ${keyHeader}`)
  // A page of another site can make a browser send a form along with the cookie, but no JSON.
  const isForm = request.method === 'POST' && request.headers['content-type']?.split(';')[0] !== 'application/json'
  if (isForm) throw new ControlError('invalid_request', 'the content type has to be application/json')
  if (!(await plane.hasSession(session)))
    throw new ControlError('invalid_api_key', 'the session is over: sign in again')
  return { kind: 'application' }
}

/** `create_session`, `describe_session` and `delete_session`, which live by the cookie. */
export const sessionEndpoints = {
  async create_session(
    plane: ControlPlane,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<DescribeSessionResponse> {
    const { session, maxAgeMs } = await plane.signIn(new Body(request.body ?? {}).text('token'))
    setCookie(request, reply, session, maxAgeMs / 1000)
    return describe(plane)
  },

  async describe_session(plane: ControlPlane, request: FastifyRequest): Promise<DescribeSessionResponse> {
    await callerOf(plane, request)
    return describe(plane)
  },

  async delete_session(plane: ControlPlane, request: FastifyRequest, reply: FastifyReply): Promise<Empty> {
    const session = sessionOf(request)
    // Without the cookie it may be a page of another site that would like to have the browser signed out.
    if (session === undefined) return {}
    await plane.signOut(session)
    setCookie(request, reply, '', 0)
    return {}
  },
}

function describe(plane: ControlPlane): DescribeSessionResponse {
  const { version, isEphemeral } = plane.options
  return { default_virtual_cluster_id: plane.first.cluster.id, version, is_ephemeral: isEphemeral }
}

function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, maxAgeSeconds: number): void {
  reply.header(
    'set-cookie',
    `${cookieName(request)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`,
  )
}

// Browsers do not tell ports apart where cookies are concerned: without it in the name, two playgrounds side by side would
// sign each other out.
function cookieName(request: FastifyRequest): string {
  return `penstock_session_${request.socket.localPort}`
}

function sessionOf(request: FastifyRequest): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(';').map(cookie => cookie.trim())
  const prefix = `${cookieName(request)}=`
  const value = cookies.find(cookie => cookie.startsWith(prefix))?.slice(prefix.length)
  return value === '' ? undefined : value
}
