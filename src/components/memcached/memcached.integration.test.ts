import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import process from 'node:process'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { rig } from '../contract/rig.suite.ts'

const addresses = process.env['PENSTOCK_TEST_MEMCACHED']

if (addresses === undefined) test('memcached', { skip: 'needs a server: npm run test:connectors -- memcached' })
else testMemcached(addresses.split(','))

function testMemcached([server = '', another = '']: readonly string[]): void {
  const servers = [server, another] as const
  const newPrefix = () => `p-${randomUUID().slice(0, 8)}-`
  const quickRetries = { initial_interval: '1ms', max_interval: '5ms', max_elapsed_time: '1s' }

  testOutages('memcached, by the output cache', {
    port: Number(server.split(':')[1]),
    output: id => ({ cache: { target: 'tried', key: `${id}-\${! content().encode("hex") }` } }),
    more: port => ({ cache_resources: [{ label: 'tried', memcached: { addresses: [`127.0.0.1:${port}`] } }] }),
    arrived: async id => {
      const keys = await ask(server, 'lru_crawler metadump all')
      return [...keys.matchAll(new RegExp(`^key=${id}-([0-9a-f]+) `, 'gm'))].map(([, hex]) =>
        Buffer.from(hex!, 'hex').toString(),
      )
    },
  })

  cacheContract('memcached', rig, {
    narrowKeys: 'the protocol ends keys at a space',
    open: () => ({ config: `{ memcached: { addresses: [ '${servers.join(',')}' ], prefix: '${newPrefix()}' } }` }),
  })

  /** A stream that stores messages under their metadata `key`, with the time to live `ttl` if given. */
  const storing = (memcached: object, ttl?: string) =>
    Sender.start(
      { cache: { target: 'tried', key: '${! metadata("key") }', ...(ttl === undefined ? {} : { ttl }) } },
      { cache_resources: [{ label: 'tried', memcached: { retries: quickRetries, ...memcached } }] },
    )
  const store = async (sender: Sender, key: string, text = 'v') => await sender.send({ text, metadata: { key } })

  test('memcached: a key is on the server that the CRC-32 of prefix and key chooses', async () => {
    const prefix = newPrefix()
    const sender = await storing({ addresses: [...servers], prefix })
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
    for (const key of keys) await store(sender, key, `value of ${key}`)
    await sender.close()
    for (const key of keys) {
      const full = prefix + key
      const [mine, other] = crc32(full) % 2 === 0 ? servers : [servers[1], servers[0]]
      const value = `value of ${key}`
      assert.equal(await ask(mine, `get ${full}`), `VALUE ${full} 0 ${value.length}\r\n${value}\r\nEND\r\n`)
      assert.equal(await ask(other, `get ${full}`), 'END\r\n')
    }
  })

  test('memcached: times to live are whole seconds, also those of more than thirty days', async () => {
    const cases: readonly (readonly [string | undefined, string | undefined, number])[] = [
      [undefined, undefined, 300],
      ['10m', undefined, 600],
      ['10m', '90s', 90],
      [undefined, '1000h', 3_600_000],
      ['0s', undefined, -1],
    ]
    for (const [standard, ttl, expected] of cases) {
      const key = newPrefix()
      const fields = standard === undefined ? {} : { default_ttl: standard }
      const sender = await storing({ addresses: [servers[0]], ...fields }, ttl)
      await store(sender, key)
      await sender.close()
      const left = Number(/ t(-?\d+)/.exec(await ask(servers[0], `mg ${key} t v`))?.[1])
      // The server counts whole seconds by a clock that it reads once per second, and some may have passed.
      assert.ok(left <= expected + 1 && left > expected - 60, `${ttl ?? standard}: ${left} for ${expected}`)
    }
  })

  test('memcached: a key that the protocol cannot represent fails immediately, and nothing is sent', async () => {
    const sender = await storing({ addresses: ['127.0.0.1:1'] })
    for (const key of ['two words', 'line\r\nflush_all', 'x'.repeat(251), 'é'.repeat(126), '']) {
      await assert.rejects(store(sender, key), /malformed key/)
    }
    await sender.close()
  })

  test('memcached: a lost connection is reopened', async () => {
    const proxy = await startTcpProxy(Number(servers[0].split(':')[1]))
    const [first, second] = [newPrefix(), newPrefix()]
    const sender = await storing({ addresses: [`127.0.0.1:${proxy.port}`] })
    await store(sender, first)
    proxy.cut()
    await store(sender, second)
    await sender.close()
    await proxy.close()
    assert.match(await ask(servers[0], `get ${second}`), /^VALUE /)
  })

  test('memcached: a value that is too large fails with the answer of the server, and others do not', async () => {
    const key = newPrefix()
    const sender = await storing({ addresses: [servers[0]] })
    await assert.rejects(store(sender, key, 'x'.repeat(2_000_000)), /SERVER_ERROR object too large for cache/)
    await store(sender, key, 'x'.repeat(900_000))
    await sender.close()
    assert.match(await ask(servers[0], `mg ${key} s`), / s900000/)
  })

  test('memcached: an unreachable server fails the message after the retries', async () => {
    const sender = await storing({ addresses: ['127.0.0.1:1'] })
    await assert.rejects(store(sender, 'k'), /ECONNREFUSED/)
    await sender.close()
  })

  test('memcached: an address without a port and an empty address list are refused', async () => {
    await assert.rejects(storing({ addresses: ['localhost'] }), /'localhost' is not an address; expected host:port/)
    await assert.rejects(storing({ addresses: [] }), /at least one server is needed/)
  })
}

/** A server's response to a command. */
async function ask(address: string, command: string): Promise<string> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host).end(`${command}\r\nquit\r\n`)
  return Buffer.concat(await socket.toArray()).toString()
}
