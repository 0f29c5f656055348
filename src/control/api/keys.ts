import type { ApiKey } from '../api-types.ts'
import type { Key } from '../model.ts'
import type { Handlers } from './endpoint.ts'

export const keyHandlers: Handlers<'create_api_key' | 'list_api_keys' | 'delete_api_key'> = {
  async create_api_key({ plane }, { name, access_grants }) {
    return apiKey(await plane.keys.create(name, access_grants))
  },

  async list_api_keys({ plane }) {
    return { api_keys: (await plane.keys.list()).map(apiKey) }
  },

  async delete_api_key({ plane }, { api_key_id }) {
    await plane.keys.delete(api_key_id)
    return {}
  },
}

export function apiKey({ id, name, secret, grants, createdAt }: Key): ApiKey {
  return { id, name, key: secret, access_grants: grants, created_at: new Date(createdAt).toISOString() }
}
