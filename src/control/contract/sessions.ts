import Type from 'typebox'
import { endpoint, flag, named, type Shape, text } from './endpoint.ts'
import { Empty } from './shared.ts'

export const Session = named('Session', {
  default_virtual_cluster_id: text('The oldest cluster that the caller has a grant for.'),
  version: text(),
  is_ephemeral: flag('Everything is lost when the process ends.'),
})
export type Session = Shape<typeof Session>

export const sessionEndpoints = {
  create_session: endpoint({
    summary: 'Signs a browser in with the token of the printed link, or with an application key, and sets its cookie.',
    access: 'public',
    request: Type.Object({ token: text() }),
    response: Session,
  }),
  describe_session: endpoint({
    summary: 'Describes the session; 401 `invalid_api_key` if the caller is not signed in.',
    access: 'application',
    request: Empty,
    response: Session,
  }),
  delete_session: endpoint({
    summary: 'Signs a browser out.',
    access: 'public',
    request: Empty,
    response: Empty,
  }),
}
