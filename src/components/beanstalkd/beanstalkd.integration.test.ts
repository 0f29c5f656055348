import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { after, type TestContext, test } from 'node:test'
import { openOwnServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { ServerProcess } from '../../../test/servers/server-process.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { systemHost } from '../../host/index.ts'
import { rig } from '../contract/rig.suite.ts'
import { CommandConnection } from '../io/command-connection.ts'
import { protocol } from './client.ts'
import { freePort } from '../../../test/servers/ports.ts'

const installed = process.env['PENSTOCK_TEST_BEANSTALKD']

if (installed === undefined) test('beanstalkd', { skip: 'needs a server: npm run test:connectors -- beanstalkd' })
else await testBeanstalkd(installed)

async function testBeanstalkd(program: string): Promise<void> {
  const startServer = async () => {
    const port = await freePort()
    const args = ['-l', '127.0.0.1', '-p', String(port)]
    const server = await ServerProcess.start({ program, args, ports: [port] })
    const name = 'the server of the test'
    const connection = new CommandConnection(protocol, { host: '127.0.0.1', port, name }, systemHost)
    return {
      port,
      server,
      address: `127.0.0.1:${port}`,
      async put(texts: readonly string[], timeToRunSeconds = 60) {
        for (const text of texts) {
          const bytes = Buffer.from(text)
          const { line } = await connection.ask(`put 2 0 ${timeToRunSeconds} ${bytes.length}`, bytes)
          assert.match(line, /^INSERTED/)
        }
      },
      /** The bodies of the jobs that are ready; the jobs are deleted. */
      async take() {
        const found: string[] = []
        for (;;) {
          const { line, value } = await connection.ask('reserve-with-timeout 0')
          if (value === undefined) return found
          found.push(Buffer.from(value).toString())
          await connection.ask(`delete ${line.split(' ')[1]}`)
        }
      },
      async close() {
        connection.close()
        await server.stop()
      },
    }
  }
  const serverFor = async (context: TestContext) => {
    const server = await startServer()
    context.after(() => server.close())
    return server
  }

  // All cases share the single tube of one server, which is empty after each restart.
  const port = await freePort()
  const shared = await ServerProcess.start({ program, args: ['-l', '127.0.0.1', '-p', String(port)], ports: [port] })
  after(() => shared.stop())
  const cases: StreamCases = {
    port,
    // A released job comes before those that were put after it.
    async prepare() {
      await shared.stop()
      await shared.start()
    },
    input: (_, somePort) => ({ beanstalkd: { address: `127.0.0.1:${somePort}` } }),
    output: (_, somePort) => ({ beanstalkd: { address: `127.0.0.1:${somePort}`, max_in_flight: 1 } }),
  }
  testStreams('beanstalkd', cases)
  testOutages('beanstalkd', cases, () =>
    openOwnServer({
      command: (ownPort, folder) => ({
        program,
        args: ['-l', '127.0.0.1', '-p', String(ownPort), '-b', folder, '-f', '0'],
      }),
    }),
  )

  test('beanstalkd: a job that takes longer than its time to run is not delivered twice', async context => {
    const server = await serverFor(context)
    await server.put(['slow'], 1)
    const receiver = await Receiver.start({ beanstalkd: { address: server.address } })
    const received = await receiver.next()
    await new Promise(resolve => setTimeout(resolve, 2500))
    // Otherwise the stream's own input would be the first to reserve it again.
    assert.equal(receiver.receivedCount, 1)
    received.answer()
    await receiver.close()
    assert.deepEqual(await server.take(), [])
  })

  test('beanstalkd: a body of arbitrary bytes is delivered unchanged', async context => {
    const server = await serverFor(context)
    const body = 'RESERVED 1 3\r\nx\r\n\u0000 é'
    const sender = await Sender.start({ beanstalkd: { address: server.address } })
    await sender.send(body)
    await sender.send('')
    await sender.close()
    const receiver = await Receiver.start({ beanstalkd: { address: server.address } })
    assert.deepEqual(await receiver.collectDistinct(2), [body, ''])
    await receiver.close()
  })

  test('beanstalkd: a message that is too large fails, and the output continues', async context => {
    const server = await serverFor(context)
    const sender = await Sender.start({ beanstalkd: { address: server.address } })
    await assert.rejects(sender.send('x'.repeat(70_000)), /JOB_TOO_BIG/)
    await sender.send('small')
    await sender.close()
    assert.deepEqual(await server.take(), ['small'])
  })

  test('beanstalkd: an address without a port is refused, and an unreachable server is reported', async () => {
    await assert.rejects(Receiver.start({ beanstalkd: { address: 'localhost' } }), /is not an address/)
    const receiver = await Receiver.start({ beanstalkd: { address: '127.0.0.1:1' } })
    await until(rig, () => receiver.log.some(line => line.includes('connection refused')), 'the reason is logged')
    await receiver.close()
  })

  const open = async (texts: readonly string[]) => {
    const server = await startServer()
    await server.put(texts)
    const proxy = await startTcpProxy(server.port)
    return {
      config: `{ beanstalkd: { address: '127.0.0.1:${proxy.port}' } }`,
      bodies: texts,
      cut: () => proxy.cut(),
      async close() {
        await proxy.close()
        await server.close()
      },
    }
  }
  inputContract('beanstalkd', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    open: () => open(bodies(25)),
    plenty: open,
  })

  outputContract('beanstalkd', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const server = await startServer()
      const proxy = await startTcpProxy(server.port)
      const found: string[] = []
      const large = `mapping: 'root = if content() == "poison" { "x".repeat(70000) } else { content() }'`
      return {
        config: (maxInFlight = 64) =>
          `{ beanstalkd: { address: '127.0.0.1:${proxy.port}', max_in_flight: ${maxInFlight} }, processors: [ { ${large} } ] }`,
        poison: 'poison',
        async delivered() {
          found.push(...(await server.take()))
          return found
        },
        cut: () => proxy.cut(),
        async close() {
          await proxy.close()
          await server.close()
        },
      }
    },
  })
}
