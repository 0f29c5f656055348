// Runs the contract suite of the components against real Redis servers.
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { createClient } from 'redis'
import { systemClock } from '../../base/index.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract, rateLimitContract } from '../../engine/contract/cache.suite.ts'
import { type InputHarness, type InputTarget, inputContract } from '../../engine/contract/input.suite.ts'
import { type OutputHarness, outputContract } from '../../engine/contract/output.suite.ts'
import { processorContract } from '../../engine/contract/processor.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'

const url = process.env['PENSTOCK_TEST_REDIS']

if (url === undefined) test('Redis components', { skip: 'needs a server: npm run test:connectors -- redis' })
else await tryAll(url)

async function tryAll(address: string): Promise<void> {
  const client = await createClient({ url: address }).connect()
  after(() => client.close())
  const newKey = () => `c-${randomUUID().slice(0, 8)}`
  const poison = 'poison'
  /** A key that fails to evaluate for one message. */
  const keyFor = (key: string) => `\${! if content() == "${poison}" { throw("refused") } else { "${key}" } }`

  /** An output whose `config` has the fields besides the URL, and a way to read what arrived. */
  const output = (
    name: string,
    fields: (key: string) => string,
    look: (key: string) => Promise<{ readonly delivered: () => Promise<readonly string[]>; close?(): Promise<void> }>,
  ): OutputHarness => ({
    inFlight: 'many',
    without: { hold: 'the server answers every command at once' },
    async open() {
      const proxy = await startTcpProxy(Number(new URL(address).port))
      const key = newKey()
      const { delivered, close } = await look(key)
      const own = `url: 'redis://127.0.0.1:${proxy.port}', ${fields(key)}`
      return {
        config: (maxInFlight = 64) => `{ ${name}: { ${own}, max_in_flight: ${maxInFlight} } }`,
        poison,
        delivered,
        cut: () => proxy.cut(),
        async close() {
          await close?.()
          await proxy.close()
        },
      }
    },
  })

  const listed = (key: string) => Promise.resolve({ delivered: () => client.lRange(key, 0, -1) })
  outputContract(
    'redis_list',
    rig,
    output('redis_list', key => `key: '${keyFor(key)}'`, listed),
  )

  const streamed = (key: string) =>
    Promise.resolve({
      delivered: async () => ((await client.xRange(key, '-', '+')) ?? []).map(({ message }) => message['body']!),
    })
  outputContract(
    'redis_streams',
    rig,
    output('redis_streams', key => `stream: '${keyFor(key)}'`, streamed),
  )

  const published = async (channel: string) => {
    const subscriber = await createClient({ url: address }).connect()
    const heard: string[] = []
    await subscriber.subscribe(channel, message => void heard.push(message))
    return {
      // A connection receives all published messages before the reply to a later command.
      delivered: async () => (await subscriber.ping(), heard),
      close: () => subscriber.close(),
    }
  }
  outputContract(
    'redis_pubsub',
    rig,
    output('redis_pubsub', key => `channel: '${keyFor(key)}'`, published),
  )

  const monitored = async (key: string) => {
    const monitor = await createClient({ url: address }).connect()
    const heard: string[] = []
    const marker = newKey()
    let marked = () => {}
    await monitor.monitor(reply => {
      const line = String(reply)
      if (line.includes(marker)) marked()
      const value = line.includes(`"HSET" "${key}" "body" `) && /"(\w+)"$/.exec(line)?.[1]
      if (value) heard.push(value)
    })
    return {
      async delivered() {
        const heardAll = new Promise<void>(resolve => (marked = resolve))
        await client.echo(marker)
        await heardAll
        return heard
      },
      close: async () => monitor.destroy(),
    }
  }
  const hashFields = (key: string) => `key: '${keyFor(key)}', fields: { body: '\${! content() }' }`
  outputContract('redis_hash', rig, output('redis_hash', hashFields, monitored))

  const sent = bodies(25)

  const throughProxy = async () => {
    const proxy = await startTcpProxy(Number(new URL(address).port))
    return { url: `redis://127.0.0.1:${proxy.port}`, cut: () => proxy.cut(), close: () => proxy.close() }
  }

  const list = async (texts: readonly string[]): Promise<InputTarget> => {
    const key = newKey()
    await client.rPush(key, [...texts])
    const { url: own, cut, close } = await throughProxy()
    return {
      config: `{ redis_list: { url: '${own}', key: ${key} } }`,
      bodies: texts,
      // An element whose reply is in transit is lost with the connection, so pending reads are allowed to finish first.
      async cut() {
        let [length, looks] = [-1, 0]
        while (looks < 5) {
          await systemClock.sleep(20)
          const now = await client.lLen(key)
          looks = now === length ? looks + 1 : 0
          length = now
        }
        cut()
      },
      close,
    }
  }
  inputContract('redis_list', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: { never: 'an element leaves the list when it is read' },
    remembers: true,
    open: () => list(sent),
    plenty: list,
  })

  const stream = async (texts: readonly string[]): Promise<InputTarget> => {
    const key = newKey()
    await Promise.all(texts.map(body => client.xAdd(key, '*', { body })))
    const { url: own, ...proxy } = await throughProxy()
    return {
      config: `{ redis_streams: { url: '${own}', streams: [ ${key} ], consumer_group: g, client_id: c } }`,
      bodies: texts,
      ...proxy,
    }
  }
  inputContract('redis_streams', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    open: () => stream(sent),
    plenty: stream,
  })

  inputContract('redis_scan', rig, {
    ends: true,
    replays: true,
    reconnects: true,
    resumes: true,
    async open() {
      const prefix = newKey()
      for (const body of sent) await client.set(`${prefix}${body}`, body)
      const { url: own, ...proxy } = await throughProxy()
      return {
        ...proxy,
        config: `{ redis_scan: { url: '${own}', match: '${prefix}*' } }`,
        bodies: sent.map(body => `{"key":"${prefix}${body}","value":"${body}"}`),
        unordered: true,
      }
    },
  })

  const listening: InputHarness = {
    ends: false,
    replays: true,
    reconnects: { never: 'Redis keeps nothing of what is published for those who do not listen at that moment' },
    resumes: { never: 'Redis keeps nothing of what is published for those who do not listen at that moment' },
    open() {
      const channel = newKey()
      return {
        config: `{ redis_pubsub: { url: '${address}', channels: [ ${channel} ] } }`,
        bodies: sent,
        async feed() {
          while ((await client.pubSubNumSub(channel))[channel] === 0)
            await new Promise(resolve => setTimeout(resolve, 5))
          for (const body of sent) await client.publish(channel, body)
        },
      }
    },
  }
  inputContract('redis_pubsub', rig, listening)

  const args = 'if content() == "failing" { throw("refused") } else { [ content().string() ] }'
  const common = `url: '${address}', retries: 0`
  processorContract('redis', rig, {
    config: `{ redis: { ${common}, command: echo, args_mapping: 'root = ${args}' } }`,
    failing: 'failing',
  })
  const script = `script: 'return ARGV[1]', keys_mapping: 'root = []', args_mapping: 'root = ${args}'`
  processorContract('redis_script', rig, { config: `{ redis_script: { ${common}, ${script} } }`, failing: 'failing' })

  cacheContract('redis', rig, {
    open: () => ({ config: `{ redis: { url: '${address}', prefix: '${newKey()}' } }` }),
  })
  rateLimitContract('redis', rig, {
    open: count => ({ config: `{ redis: { url: '${address}', key: '${newKey()}', count: ${count}, interval: 1h } }` }),
  })
}
