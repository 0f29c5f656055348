// How `http_client` and `websocket` behave while their server, or the path to it, is down. Their other behaviour is tested
// in every run.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
import { after, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import { type OwnServer, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { ReceivingProgram, SendingProgram } from '../../../test/connectors/programs.ts'
import { freePort } from '../../../test/servers/ports.ts'
import { bodyOf } from '../../../test/servers/request-body.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'

if (process.env['PENSTOCK_TEST_HTTP'] === undefined) {
  test('outages of HTTP', { skip: 'takes a minute: npm run test:connectors -- http' })
} else {
  await testHttp()
  testWebSocket()
}

async function testHttp(): Promise<void> {
  /** The bodies received on each path. */
  const taken = new Map<string, string[]>()
  const bodiesOf = (id: string) => taken.get(`/${id}`) ?? []
  const open = async (): Promise<OwnServer> => {
    const port = await freePort()
    let isFull = false
    const server = createServer((request, response) => {
      void (async () => {
        const body = await bodyOf(request)
        if (body === null) return
        if (isFull) response.statusCode = 507
        else taken.set(request.url!, [...(taken.get(request.url!) ?? []), body])
        response.end()
      })()
    })
    const start = async () => void (await once(server.listen(port, '127.0.0.1'), 'listening'))
    const end = async () => {
      if (!server.listening) return
      server.closeAllConnections()
      await once(server.close(), 'close')
    }
    const become = (full: boolean) => {
      isFull = full
      return Promise.resolve()
    }
    await start()
    return { port, start, end, close: end, fill: () => become(true), free: () => become(false) }
  }
  const stays = await open()
  after(() => stays.close())
  const cases = {
    port: stays.port,
    output: (id: string, port: number) => ({
      http_client: { url: `http://127.0.0.1:${port}/${id}`, verb: 'POST', retry_period: '100ms' },
    }),
    arrived: (id: string) => Promise.resolve(bodiesOf(id)),
  }
  testOutages('http_client out', cases, open)
  testFullServer('http_client out', cases, open)
}

/**
 * A WebSocket has no acknowledgements: what was in flight when it broke is lost. These streams must connect again by
 * themselves, without many attempts, and pass what follows.
 */
function testWebSocket(): void {
  test('websocket out: connects again after each outage', async t => {
    const received = new Set<string>()
    const place = await WebSocketPlace.open(t, socket => socket.on('message', data => received.add(String(data))))
    const sender = await SendingProgram.start({ websocket: { url: place.url } })
    t.after(() => sender.close())
    let count = 0
    await place.outages(sender, async () => {
      for (;;) {
        const text = `message ${count++}`
        // The program confirms what it has written, which may be to a connection that is already broken.
        await Promise.race([sender.send(text), sleep(2000)])
        for (let waited = 0; waited < 20 && !received.has(text); waited++) await sleep(50)
        if (received.has(text)) return
      }
    })
  })

  test('websocket in: connects again after each outage', async t => {
    const sockets = new Set<WebSocket>()
    const place = await WebSocketPlace.open(t, socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    const receiver = await ReceivingProgram.start({ websocket: { url: place.url } })
    t.after(() => receiver.close())
    let count = 0
    await place.outages(receiver, async () => {
      const before = receiver.count
      while (receiver.count === before) {
        for (const socket of sockets) socket.send(`message ${count++}`)
        await sleep(100)
      }
    })
  })
}

/** A WebSocket server behind a proxy. */
class WebSocketPlace {
  readonly #listen: () => Promise<WebSocketServer>
  readonly #proxy: Awaited<ReturnType<typeof startTcpProxy>>
  #server: WebSocketServer

  static async open(t: TestContext, take: (socket: WebSocket) => void): Promise<WebSocketPlace> {
    const port = await freePort()
    const listen = async () => {
      const server = new WebSocketServer({ port, host: '127.0.0.1' })
      server.on('connection', socket => take(socket.on('error', () => undefined)))
      await once(server, 'listening')
      return server
    }
    const place = new WebSocketPlace(listen, await listen(), await startTcpProxy(port))
    t.after(async () => {
      await place.#end()
      await place.#proxy.close()
    })
    return place
  }

  private constructor(
    listen: () => Promise<WebSocketServer>,
    server: WebSocketServer,
    proxy: Awaited<ReturnType<typeof startTcpProxy>>,
  ) {
    this.#listen = listen
    this.#server = server
    this.#proxy = proxy
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#proxy.port}/`
  }

  /** Runs `pass`, which sends messages until one arrives, before and after outages of each kind. */
  async outages(
    program: { readonly memoryBytes: number; readonly log: string },
    pass: () => Promise<void>,
  ): Promise<void> {
    const awayMs = Number(process.env['PENSTOCK_TEST_AWAY_MS'] ?? 1500)
    await pass()
    const { memoryBytes } = program

    this.#proxy.cut({ refuse: true })
    const cutAt = performance.now()
    // An output learns that its connection is broken when it writes.
    const passing = pass()
    await sleep(awayMs)
    while (!program.log.includes('level=error')) await sleep(20)
    this.#proxy.restore()
    const seconds = (performance.now() - cutAt) / 1000
    await passing
    assert.ok(this.#proxy.refused > 0 && this.#proxy.refused <= 20 + 4 * seconds, `${this.#proxy.refused} attempts`)

    await this.#end()
    await sleep(awayMs)
    this.#server = await this.#listen()
    await pass()

    this.#proxy.pause()
    await sleep(awayMs)
    this.#proxy.resume()
    await pass()
    assert.ok(program.memoryBytes - memoryBytes < 150 * 2 ** 20, 'memory grew')
  }

  async #end(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
