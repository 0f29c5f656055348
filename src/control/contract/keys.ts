import Type from 'typebox'
import { endpoint, list, named, optional, type Shape, text, timestamp } from './endpoint.ts'
import { Empty } from './shared.ts'

export const AccessGrant = named('AccessGrant', {
  principal_kind: text('`app` or `app_r` (read-only) for people and programs, `agent` for agents, `*` for both.'),
  resource_kind: text('`virtual_cluster`, or `*` for everything in the workspace.'),
  resource_id: text('The id of the cluster, or `*`.'),
  workspace_id: optional(text()),
  managed_grant_name: optional(text()),
})
export type AccessGrant = Shape<typeof AccessGrant>

export const ApiKey = named('ApiKey', {
  id: text(),
  name: text('`akn_…`'),
  key: text('The secret: `aks_` and 64 hexadecimal digits.'),
  access_grants: list(AccessGrant),
  created_at: timestamp(),
})
export type ApiKey = Shape<typeof ApiKey>

export const keyEndpoints = {
  create_api_key: endpoint({
    summary: 'Creates an API key.',
    access: 'workspace_write',
    request: Type.Object({
      name: text('Without `akn_`: 1 to 128 letters, digits and underscores.'),
      access_grants: list(AccessGrant),
      virtual_cluster_type: optional(text()),
    }),
    response: ApiKey,
  }),
  list_api_keys: endpoint({
    summary: 'Lists the API keys with their secrets.',
    access: 'workspace_write',
    request: Empty,
    response: Type.Object({ api_keys: list(ApiKey) }),
  }),
  delete_api_key: endpoint({
    summary: 'Deletes an API key and signs out the browsers that signed in with it.',
    access: 'workspace_write',
    request: Type.Object({ api_key_id: text() }),
    response: Empty,
  }),
}
