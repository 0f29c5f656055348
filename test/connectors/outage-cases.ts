// What every pair of an input and an output has to show while its server, or the way to it, is away.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../servers/ports.ts'
import { ServerProcess, type ServerProcessOptions } from '../servers/server-process.ts'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { startRabbitMq } from './rabbitmq.ts'
import type { StreamCases } from './stream-cases.ts'
import { Receiver, Sender } from './streams.ts'

/** A server that a test stops and starts again. */
export interface OwnServer {
  readonly port: number
  /** Makes what inputs and outputs expect to exist. */
  prepare?(id: string): Promise<void>
  /** Ends it, as a crash would where the server promises to keep what it took even then. */
  end(): Promise<void>
  /** Starts it again, with what it kept. */
  start(): Promise<void>
  close(): Promise<void>
}

type OutageCases = Pick<StreamCases, 'port' | 'input' | 'output' | 'more' | 'prepare' | 'forgets'>

/** How long a server or a link is away. */
const awayMs = 1500

const texts = (count: number, word: string) => Array.from({ length: count }, (_, index) => `${word} ${index}`)

/** Registers the tests of one pair. `name` begins the name of each; `open` starts a server with nothing in it. */
export function testOutages(name: string, cases: OutageCases, open: () => Promise<OwnServer>): void {
  const { port, more } = cases
  const define = (what: string, run: () => Promise<void>) => void test(`${name}: ${what}`, { timeout: 180_000 }, run)
  const start = async (id: string, inputPort: number, outputPort: number) => {
    const receiver = await Receiver.start(cases.input(id, inputPort), more)
    const sender = await Sender.start(cases.output(id, outputPort), more)
    return {
      receiver,
      /** Sends messages and receives them. */
      async pass(wanted: readonly string[], meanwhile: () => Promise<void> = () => Promise.resolve()) {
        const received = receiver.collect(seen => wanted.every(text => seen.includes(text)))
        const sending = Promise.all(wanted.map(text => sender.send(text)))
        await meanwhile()
        await sending
        await received
      },
      async close() {
        await sender.close()
        await receiver.close()
      },
    }
  }
  const newId = () => `t-${randomUUID().slice(0, 8)}`

  define('streams go on by themselves, and lose nothing, when their server comes back', async () => {
    const server = await open()
    const id = newId()
    await server.prepare?.(id)
    const streams = await start(id, server.port, server.port)
    await streams.pass(texts(10, 'before'))
    await server.end()
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      await server.start()
    })
    await streams.pass(texts(5, 'after'))
    await streams.close()
    await server.close()
  })

  define('streams go on by themselves, and lose nothing, when the way to their server is back', async () => {
    const id = newId()
    await cases.prepare?.(id)
    const proxy = await startTcpProxy(port)
    // A source that forgets what it handed out loses what was on its way.
    const streams = await start(id, cases.forgets === true ? port : proxy.port, proxy.port)
    await streams.pass(texts(10, 'before'))
    proxy.cut({ refuse: true })
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      proxy.restore()
    })
    // Two streams, with pauses of 100 ms and more between their attempts.
    assert.ok(proxy.refused > 0 && proxy.refused <= 40, `${proxy.refused} attempts`)
    await streams.pass(texts(5, 'after'))
    await streams.close()
    await proxy.close()
  })

  define('streams go on, and lose nothing, when the way to their server was blocked for a while', async () => {
    const id = newId()
    await cases.prepare?.(id)
    const proxy = await startTcpProxy(port)
    const streams = await start(id, cases.forgets === true ? port : proxy.port, proxy.port)
    await streams.pass(texts(10, 'before'))
    proxy.pause()
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      proxy.resume()
    })
    await streams.close()
    await proxy.close()
  })
}

interface ProcessOptions {
  /** How the server starts, with a folder of its own. */
  readonly command: (port: number, folder: string) => Pick<ServerProcessOptions, 'program' | 'args'>
  /** Whether it keeps what it took only where it is asked to stop. */
  readonly stopsGently?: boolean
  readonly prepare?: (id: string, port: number) => Promise<void>
}

/** A server of its own in a process. */
export async function openOwnServer({ command, stopsGently = false, prepare }: ProcessOptions): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-server-'))
  const port = await freePort()
  const server = await ServerProcess.start({ ...command(port, folder), ports: [port] })
  return {
    port,
    prepare: async id => await prepare?.(id, port),
    end: () => (stopsGently ? server.stop() : server.kill()),
    start: () => server.start(),
    async close() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A RabbitMQ of its own. */
export async function openOwnRabbitMq(
  plugins: readonly string[] = [],
  prepare?: (id: string, port: number) => Promise<void>,
): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-server-'))
  const { server, port, close } = await startRabbitMq(folder, plugins)
  return {
    port,
    prepare: async id => await prepare?.(id, port),
    // Its process is a script, which a kill would part from the server.
    end: () => server.stop(),
    start: () => server.start(),
    async close() {
      await close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
