import { crc32 } from 'node:zlib'
import { Buffer } from 'node:buffer'
import { backoffField, type Cache, ConfigError, defineCache, field, withBackoff } from '../../engine/index.ts'
import { hostAndPort } from '../io/command-connection.ts'
import { MemcachedServer } from './server.ts'

/** Largest value that the server takes as a relative time to live: larger numbers are points in time. */
const longestRelativeSeconds = 30 * 24 * 60 * 60
const longestKeyBytes = 250

export default defineCache({
  name: 'memcached',
  status: 'stable',
  summary: 'Stores items in memcached servers.',
  description:
    'With several servers, the CRC-32 of prefix and key selects the server of each key, so the order of the addresses matters. Keys, including the prefix, may have up to 250 bytes and contain neither spaces nor control characters; others fail. Times to live are rounded to whole seconds; zero means indefinitely.',
  config: field.object({
    addresses: field
      .string('The servers, as `host:port`; an element may list several, separated by commas.')
      .needs('network', value => (typeof value === 'string' ? value.split(',')[0] : undefined))
      .list()
      .examples(['localhost:11211'], ['one:11211', 'two:11211']),
    prefix: field.string('A prefix for every key, so that servers can be shared.').optional(),
    default_ttl: field.duration('The time to live of items stored without one.').default('300s'),
    retries: backoffField('The intervals between attempts of a failed operation.'),
  }),
  needs: ['network'],
  create(config, resources): Cache {
    const { prefix = '', default_ttl: defaultTtlMs = 300_000 } = config
    const servers = serversOf(config.addresses).map(server => new MemcachedServer(server, resources))
    const run = <T>(key: string, attempt: (server: MemcachedServer, key: string) => Promise<T>) => {
      const fullKey = checkedKey(prefix + key)
      const server = servers[crc32(fullKey) % servers.length]!
      return withBackoff(config.retries, resources, () => attempt(server, fullKey))
    }
    const expiry = (ttlMs = defaultTtlMs) => {
      if (ttlMs <= 0) return 0
      const seconds = Math.max(1, Math.trunc(ttlMs / 1000))
      if (seconds <= longestRelativeSeconds) return seconds
      return Math.trunc(resources.clock.now() / 1000) + seconds
    }
    return {
      get: async key => await run(key, (server, full) => server.get(full)),
      async set(key, value, ttlMs) {
        await run(key, (server, full) => server.store('set', full, value, expiry(ttlMs)))
      },
      add: async (key, value, ttlMs) =>
        await run(key, (server, full) => server.store('add', full, value, expiry(ttlMs))),
      async delete(key) {
        await run(key, (server, full) => server.delete(full))
      },
      close() {
        for (const server of servers) server.close()
      },
    }
  },
})

function serversOf(addresses: readonly string[]): readonly { readonly host: string; readonly port: number }[] {
  const servers = addresses
    .flatMap(text => text.split(','))
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(text => {
      const server = hostAndPort(text)
      if (server === undefined) throw new ConfigError(`addresses: '${text}' is not an address; expected host:port`)
      return server
    })
  if (servers.length === 0) throw new ConfigError('addresses: at least one server is needed')
  return servers
}

function checkedKey(key: string): string {
  // eslint-disable-next-line no-control-regex -- the protocol refuses exactly these
  const isMalformed = /[\u0000-\u0020\u007f]/.test(key) || Buffer.byteLength(key) > longestKeyBytes || key === ''
  if (!isMalformed) return key
  throw new Error(`malformed key ${JSON.stringify(key)}: it is empty, too long or has spaces or control characters`)
}
