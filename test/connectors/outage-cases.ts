// Cases for inputs and outputs while their server, or the path to it, is down, and when they are killed themselves.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../servers/ports.ts'
import { ServerProcess, type ServerProcessOptions } from '../servers/server-process.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { ReceivingProgram, SendingProgram } from './programs.ts'
import { startRabbitMq } from './rabbitmq.ts'
import type { ComponentBody } from './streams.ts'

/** A server that a test stops and restarts. */
export interface OwnServer {
  readonly port: number
  /** Creates what inputs and outputs expect to exist. */
  prepare?(id: string): Promise<void>
  /** Ends it: like a crash if the server promises to keep accepted data even then, otherwise gracefully. */
  end(): Promise<void>
  /** Restarts it with the data it kept. */
  start(): Promise<void>
  /** Makes it accept nothing more, as when its memory, disk or connections are exhausted. */
  fill?(id: string): Promise<void>
  /** Gives it room again. */
  free?(id: string): Promise<void>
  close(): Promise<void>
}

export interface OutageCases {
  /** The loopback port of the shared server, which is never stopped. */
  readonly port: number
  /** The input under test; without one, `arrived` returns what the output wrote. */
  input?(id: string, port: number): ComponentBody
  /** The output under test; without one, `put` creates what the input reads. */
  output?(id: string, port: number): ComponentBody
  /** The contents of the server on a port. */
  arrived?(id: string, port: number): Promise<readonly string[]>
  /** Puts a text into the server on a port. */
  put?(id: string, text: string, port: number): Promise<void>
  /** A proxy in front of the shared server, for clients that cannot be redirected to another address. */
  readonly proxy?: TcpProxy
  /** Additional configuration that they need, such as resources, at a port. */
  more?(port: number): ComponentBody
  /** Creates what inputs and outputs expect to exist, on the shared server. */
  prepare?(id: string): Promise<void>
  /**
   * Whether the source forgets what it handed out, so that messages in flight are lost with its connection or its
   * reader.
   */
  readonly forgets?: boolean
  /** Whether `--fast` leaves the tests out, because others cover the client that the component shares with them. */
  readonly slow?: boolean
}

/** How long a server or a link is down, in milliseconds. For manual runs 30 seconds are usual. */
const awayMs = Number(process.env['PENSTOCK_TEST_AWAY_MS'] ?? 1500)

const timeoutMs = 600_000 + 4 * awayMs

/** More than the memory of a process varies by itself. */
const flatBytes = 150 * 2 ** 20

const texts = (count: number, word: string) => Array.from({ length: count }, (_, index) => `${word} ${index}`)

/**
 * Registers the tests of a pair of an input and an output, or of one of them. `name` begins the name of each; `open`
 * starts an empty server, and is omitted for a server that loses everything when it stops.
 */
export function testOutages(name: string, cases: OutageCases, open?: () => Promise<OwnServer>): void {
  const skip = cases.slow === true && process.env['PENSTOCK_TEST_FAST'] === '1' && 'left out of the fast run'
  const define = (what: string, run: (context: TestContext) => Promise<void>) =>
    void test(`${name}: ${what}`, { timeout: timeoutMs, skip }, run)
  const newId = () => `t-${randomUUID().slice(0, 8)}`

  define('no acknowledged message is lost when the streams are killed', async context => {
    const id = newId()
    await cases.prepare?.(id)
    const streams = await start(context, cases, id, { server: cases.port })
    await streams.pass(texts(10, 'before'))
    await streams.pass(texts(300, 'meanwhile'), async () => {
      for (const share of [0.2, 0.5]) {
        await streams.untilPassed(10 + 300 * share)
        await streams.kill()
      }
    })
  })

  define('streams recover without loss once the network to their server is restored', async context => {
    const id = newId()
    await cases.prepare?.(id)
    const proxy = await openProxy(context, cases)
    const streams = await start(context, cases, id, through(cases, proxy.port))
    await streams.pass(texts(10, 'before'))
    const { memoryBytes } = streams
    const cutAt = performance.now()
    proxy.cut({ refuse: true })
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      await streams.untilLogged(/level=error/)
      proxy.restore()
    })
    const seconds = (performance.now() - cutAt) / 1000
    // Two streams whose retry intervals grow to a second; at first an output may retry each of 20 messages, and again
    // those that it rejected.
    const most = 80 + 4 * seconds + 4 * streams.refused
    assert.ok(proxy.refused > 0 && proxy.refused <= most, `${proxy.refused} attempts in ${seconds} s`)
    // An output that keeps no connection reports each message that it rejects.
    assert.ok(streams.log.split('\n').length <= 100 + 20 * seconds + 2 * streams.refused, streams.log)
    await streams.pass(texts(5, 'after'))
    assertFlat(memoryBytes, streams.memoryBytes)
  })

  define('streams recover without loss after the network to their server was blocked', async context => {
    const id = newId()
    await cases.prepare?.(id)
    const proxy = await openProxy(context, cases)
    const streams = await start(context, cases, id, through(cases, proxy.port))
    await streams.pass(texts(10, 'before'))
    const { memoryBytes } = streams
    proxy.pause()
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      proxy.resume()
    })
    assertFlat(memoryBytes, streams.memoryBytes)
  })

  if (open === undefined) return
  define('streams recover without loss when their server restarts', async context => {
    const server = await open()
    context.after(() => server.close())
    const id = newId()
    await server.prepare?.(id)
    const streams = await start(context, cases, id, { server: server.port })
    await streams.pass(texts(10, 'before'))
    const { memoryBytes } = streams
    await server.end()
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      await server.start()
    })
    await streams.pass(texts(5, 'after'))
    assertFlat(memoryBytes, streams.memoryBytes)
  })
}

/** Registers the test of an output whose server accepts nothing for a while, and later has room again. */
export function testFullServer(name: string, cases: OutageCases, open: () => Promise<OwnServer>): void {
  void test(`${name}: messages refused by a full server arrive once it has room`, {
    timeout: timeoutMs,
  }, async context => {
    const server = await open()
    context.after(() => server.close())
    const id = `t-${randomUUID().slice(0, 8)}`
    await server.prepare?.(id)
    const streams = await start(context, cases, id, { server: server.port })
    await streams.pass(texts(10, 'before'))
    const { memoryBytes } = streams
    await server.fill!(id)
    await streams.pass(texts(20, 'meanwhile'), async () => {
      await sleep(awayMs)
      assert.equal(streams.delivered, 10, 'the server was not full')
      await server.free!(id)
    })
    await streams.pass(texts(5, 'after'))
    assertFlat(memoryBytes, streams.memoryBytes)
  })
}

function assertFlat(before: number, after: number): void {
  assert.ok(after - before < flatBytes, `${before} bytes of memory before, ${after} after`)
}

interface Ports {
  readonly server: number
  /** The ports that the streams use when there is a proxy in front of the server. */
  readonly input?: number
  readonly output?: number
}

/** A proxy between the streams and the shared server, for one test. */
async function openProxy(context: TestContext, { port, proxy }: OutageCases): Promise<TcpProxy> {
  if (proxy !== undefined) return proxy
  const own = await startTcpProxy(port)
  context.after(() => own.close())
  return own
}

/**
 * The streams connect through a proxy, except to a source that forgets what it handed out, which would lose the
 * messages in flight.
 */
function through({ port, forgets }: OutageCases, proxyPort: number): Ports {
  return { server: port, output: proxyPort, ...(forgets !== true && { input: proxyPort }) }
}

/** One program for the output and one for the input; the test itself takes the place of a missing one. */
async function start(
  context: TestContext,
  cases: OutageCases,
  id: string,
  { server, input = server, output = server }: Ports,
) {
  const receiver =
    cases.input === undefined ? null : await ReceivingProgram.start(cases.input(id, input), cases.more?.(input))
  const sender =
    cases.output === undefined ? null : await SendingProgram.start(cases.output(id, output), cases.more?.(output))
  let isClosed = false
  context.after(async () => {
    isClosed = true
    await sender?.close()
    await receiver?.close()
  })
  let putCount = 0
  const put = async (text: string): Promise<void> => {
    while (!isClosed) {
      try {
        await cases.put!(id, text, server)
        putCount++
        return
      } catch {
        await sleep(100)
      }
    }
  }
  const arrived = async (): Promise<readonly string[]> => {
    try {
      return await cases.arrived!(id, server)
    } catch {
      return [] // while the server is down
    }
  }
  const untilArrived = async (wanted: readonly string[]) => {
    if (receiver !== null) return await receiver.untilArrived(wanted)
    while (!isClosed) {
      const found = new Set(await arrived())
      if (wanted.every(text => found.has(text))) return
      await sleep(50)
    }
  }
  return {
    /** Number of messages that the output has delivered. */
    get delivered() {
      return sender?.delivered ?? putCount
    },
    /** Number of messages that it has rejected. */
    get refused() {
      return sender?.refused ?? 0
    },
    get log() {
      return `${sender?.log ?? ''}${receiver?.log ?? ''}`
    },
    get memoryBytes() {
      return (sender?.memoryBytes ?? 0) + (receiver?.memoryBytes ?? 0)
    },
    /** Sends messages, 20 at a time, and receives them. */
    async pass(wanted: readonly string[], meanwhile: () => Promise<void> = () => Promise.resolve()) {
      const waiting = [...wanted]
      const work = async () => {
        for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) {
          await (sender === null ? put(text) : sender.send(text))
        }
      }
      const received = untilArrived(wanted)
      const sending = Promise.all(Array.from({ length: 20 }, work))
      await Promise.all([meanwhile(), sending, received])
    },
    /** Resolves once `count` messages have passed. */
    async untilPassed(count: number) {
      while ((receiver?.count ?? sender?.delivered ?? 0) < count) await sleep(5)
    },
    async untilLogged(pattern: RegExp) {
      while (!pattern.test(`${sender?.log ?? ''}${receiver?.log ?? ''}`)) await sleep(20)
    },
    /** Kills and restarts both programs, except one whose source forgets what it handed out. */
    async kill() {
      await sender?.killAndStart()
      if (cases.forgets !== true) await receiver?.killAndStart()
    },
  }
}

type Command = Pick<ServerProcessOptions, 'program' | 'args' | 'startTimeoutMs'>

interface ProcessOptions {
  /** The command that starts the server with its own folder. */
  readonly command: (port: number, folder: string) => Command | Promise<Command>
  /** Whether it keeps accepted data only when it is stopped gracefully. */
  readonly stopsGently?: boolean
  readonly prepare?: (id: string, port: number) => Promise<void>
  readonly fill?: (id: string, port: number) => Promise<void>
  readonly free?: (id: string, port: number) => Promise<void>
}

/** Starts a separate server in its own process. */
export async function openOwnServer({ command, stopsGently = false, ...more }: ProcessOptions): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-server-'))
  const port = await freePort()
  const server = await ServerProcess.start({ ...(await command(port, folder)), ports: [port] })
  return {
    port,
    prepare: async id => await more.prepare?.(id, port),
    fill: async id => await more.fill?.(id, port),
    free: async id => await more.free?.(id, port),
    end: () => (stopsGently ? server.stop() : server.kill()),
    start: () => server.start(),
    async close() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a separate RabbitMQ. */
export async function openOwnRabbitMq(
  plugins: readonly string[] = [],
  prepare?: (id: string, port: number) => Promise<void>,
): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-server-'))
  const { server, port, control, close } = await startRabbitMq(folder, plugins)
  return {
    port,
    prepare: async id => await prepare?.(id, port),
    // It blocks publishing connections while its disk has less free space than this.
    fill: () => control('set_disk_free_limit', '1000000GB'),
    free: () => control('set_disk_free_limit', '50MB'),
    // Its process is a script; killing that would leave the server running.
    end: () => server.stop(),
    start: () => server.start(),
    async close() {
      await close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
