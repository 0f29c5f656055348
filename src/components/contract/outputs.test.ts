// Runs the contract suite on every output that needs no external server.
import { createServer as createSocketServer, type Socket } from 'node:net'
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import { WebSocketServer } from 'ws'
import { systemClock } from '../../base/index.ts'
import { defineCache, defineOutput, field, type Message } from '../../engine/index.ts'
import { outputContract, type OutputTarget } from '../../engine/contract/output.suite.ts'
import { Recorder } from '../../engine/contract/recorder.ts'
import { systemHost } from '../../host/index.ts'
import { InprocPipe } from '../pure/inproc-pipe.ts'
import { rig } from './rig.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'

const POISON = 'poison'
/** A key, path or topic that fails to evaluate for one message. */
const refusing = '${! if content() == "poison" { throw("refused") } else { content() } }'

/** An output that wraps a recorder. */
function around(wrap: (own: string) => string, more?: (own: string) => string): () => OutputTarget {
  return () => {
    const recorder = new Recorder({ takesRuns: false })
    const target: OutputTarget = {
      specs: recorder.specs,
      poison: recorder.poison,
      config: maxInFlight => wrap(recorder.config(maxInFlight)),
      delivered: () => recorder.delivered(),
      hold: () => recorder.hold(),
      release: () => recorder.release(),
      held: () => recorder.held(),
      cut: () => recorder.cut(),
      close: () => recorder.close(),
    }
    return more === undefined ? target : { ...target, more: more(recorder.config()) }
  }
}

outputContract('broker', rig, {
  inFlight: 'many',
  open: around(own => `{ broker: { pattern: fan_out_fail_fast, outputs: [ ${own} ] } }`),
})
outputContract('drop_on', rig, {
  inFlight: 'many',
  open: around(own => `{ drop_on: { error_patterns: [ none ], output: ${own} } }`),
})
outputContract('dynamic', rig, {
  inFlight: 'many',
  without: { poison: 'it tries again until a message is delivered' },
  open() {
    const { poison: _, ...target } = around(own => `{ dynamic: { outputs: { first: ${own} } } }`)()
    return target
  },
})
outputContract('fallback', rig, { inFlight: 'many', open: around(own => `{ fallback: [ ${own} ] }`) })
outputContract('reject_errored', rig, { inFlight: 'many', open: around(own => `{ reject_errored: ${own} }`) })
outputContract('switch', rig, {
  inFlight: 'many',
  open: around(own => `{ switch: { cases: [ { check: 'true', output: ${own} }, { output: { drop: {} } } ] } }`),
})
outputContract('retry', rig, {
  inFlight: 'many',
  repeatsBatches: 'a batch that failed in part is tried again as a whole, as in the original',
  open: around(
    own => `{ retry: { max_retries: 1, backoff: { initial_interval: 1ms, max_interval: 1ms }, output: ${own} } }`,
  ),
})

const nothing = (why: string) => ({ delivered: why, poison: why, hold: why, cut: why })

outputContract('drop', rig, {
  inFlight: 'one',
  without: nothing('it keeps nothing'),
  open: () => ({ config: () => '{ drop: {} }', close: () => undefined }),
})

outputContract('reject', rig, {
  inFlight: 'one',
  without: nothing('it refuses everything'),
  open: () => ({ config: () => '{ reject: no }', close: () => undefined }),
})

outputContract('sync_response', rig, {
  inFlight: 'one',
  without: nothing('it answers inputs that wait; see http_server.test.ts'),
  open: () => ({ config: () => '{ sync_response: {} }', close: () => undefined }),
})

outputContract('resource', rig, {
  inFlight: 'many',
  without: { hold: 'its resource has its own max_in_flight' },
  open() {
    const recorder = new Recorder({ takesRuns: false })
    return {
      specs: recorder.specs,
      poison: recorder.poison,
      config: () => '{ resource: kept }',
      more: `output_resources: [ { label: kept, recorder: { max_in_flight: 1 } } ]\n`,
      delivered: () => recorder.delivered(),
      cut: () => recorder.cut(),
      close: () => recorder.close(),
    }
  },
})

outputContract('cache', rig, {
  inFlight: 'many',
  without: { cut: 'its cache has the connection' },
  open: () => new Shelf(),
})

/** An output into a cache that records the order in which its keys were set. */
class Shelf implements OutputTarget {
  readonly poison = POISON
  readonly specs: readonly unknown[]
  readonly more = 'cache_resources: [ { label: shelf, shelf: {} } ]'
  readonly #kept: string[] = []
  #isHeld = false
  #waiting: (() => void)[] = []

  constructor() {
    const set = async (key: string) => {
      if (this.#isHeld) await new Promise<void>(resolve => this.#waiting.push(resolve))
      this.#kept.push(key)
    }
    const shelf = defineCache({
      name: 'shelf',
      summary: 'Remembers the keys that were set.',
      config: field.anyObject('').default({}),
      create: () => ({ get: () => undefined, set, add: () => true, delete: () => undefined }),
    })
    this.specs = [shelf]
  }

  config(maxInFlight = 64): string {
    return `{ cache: { target: shelf, key: '${refusing}', max_in_flight: ${maxInFlight} } }`
  }

  delivered(): readonly string[] {
    return this.#kept
  }

  hold(): void {
    this.#isHeld = true
  }

  held(): number {
    return this.#waiting.length
  }

  release(): void {
    this.#isHeld = false
    for (const wake of this.#waiting.splice(0)) wake()
  }

  close(): void {
    this.release()
  }
}

outputContract('file', rig, {
  inFlight: 'one',
  without: { hold: 'a file system does not wait', cut: 'it has no connection' },
  open() {
    const folder = temporaryFolder()
    const file = join(folder, 'out.txt')
    const path = `\${! if content() == "poison" { throw("refused") } else { "${file}" } }`
    return {
      poison: POISON,
      config: () => `{ file: { path: '${path}', codec: lines } }`,
      delivered: () => linesOf(file),
      close: () => rmSync(folder, { recursive: true }),
    }
  },
})

outputContract('socket', rig, {
  inFlight: 'one',
  without: {
    poison: 'it takes everything',
    hold: 'the system takes in what nobody reads yet',
    cut: 'nothing says that what was sent last over a lost connection did not arrive; see sockets.test.ts',
  },
  async open() {
    const folder = temporaryFolder()
    const path = join(folder, 'socket')
    const received: Buffer[] = []
    const sockets = new Set<Socket>()
    const server = createSocketServer(socket => {
      sockets.add(socket.on('error', () => undefined))
      socket.on('data', (piece: Buffer) => received.push(piece))
    })
    await new Promise<void>(resolve => server.listen(path, resolve))
    const lines = () => Buffer.concat(received).toString().split('\n').slice(0, -1)
    return {
      config: () => `{ socket: { network: unix, address: '${path}' } }`,
      async delivered() {
        // Waits until nothing more arrives, since there is no confirmation of arrival.
        for (let before = -1; before !== lines().length; await systemClock.sleep(20)) before = lines().length
        return lines()
      },
      async close() {
        for (const socket of sockets) socket.destroy()
        await new Promise(resolve => server.close(resolve))
        rmSync(folder, { recursive: true })
      },
    }
  },
})

outputContract('websocket', rig, {
  inFlight: 'one',
  without: {
    poison: 'the server takes everything',
    hold: 'the system takes in what nobody reads yet',
    cut: 'nothing says that what was sent last over a lost connection did not arrive; see websocket.test.ts',
  },
  async open() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise(resolve => server.once('listening', resolve))
    const received: string[] = []
    server.on('connection', socket => socket.on('message', (data: Buffer) => received.push(data.toString())))
    const port = portOf(server)
    return {
      config: () => `{ websocket: { url: 'ws://127.0.0.1:${port}' } }`,
      async delivered() {
        // Waits until nothing more arrives, since there is no confirmation of arrival.
        for (let before = -1; before !== received.length; await systemClock.sleep(20)) before = received.length
        return received
      },
      async close() {
        for (const socket of server.clients) socket.terminate()
        await new Promise(resolve => server.close(resolve))
      },
    }
  },
})

outputContract('http_server', rig, {
  inFlight: 'one',
  without: {
    poison: 'it hands over everything',
    hold: 'messages wait for a client; see output.http_server.test.ts',
    cut: 'it has no connection of its own',
  },
  async open() {
    const probe = createServer()
    await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
    const port = portOf(probe)
    await new Promise(resolve => probe.close(resolve))
    const closing = new AbortController()
    let text = ''
    const read = async () => {
      while (!closing.signal.aborted) {
        try {
          const { body } = await fetch(`http://127.0.0.1:${port}/get/stream`, { signal: closing.signal })
          for await (const piece of body!) text += Buffer.from(piece).toString()
        } catch {
          // The server is not listening yet or any more; retry.
          await systemClock.sleep(10)
        }
      }
    }
    const reading = read()
    const lines = () => text.split('\n').filter(line => line !== '')
    return {
      config: () => `{ http_server: { address: '127.0.0.1:${port}' } }`,
      async delivered() {
        // What was written is in transit to the client.
        for (let before = -1; before !== lines().length; await systemClock.sleep(20)) before = lines().length
        return lines()
      },
      async close() {
        closing.abort()
        await reading
      },
    }
  },
})

outputContract('stdout', rig, {
  inFlight: 'one',
  without: { poison: 'it takes everything', cut: 'it has no connection' },
  open() {
    let text = ''
    let isHeld = false
    let waiting: (() => void)[] = []
    const output = new Writable({
      write(chunk: Uint8Array, _, done) {
        const take = () => {
          text += Buffer.from(chunk).toString()
          done()
        }
        if (isHeld) waiting.push(take)
        else take()
      },
    })
    return {
      config: () => '{ stdout: {} }',
      host: { ...systemHost, stdio: { ...systemHost.stdio, output } },
      delivered: () => text.split('\n').slice(0, -1),
      hold: () => void (isHeld = true),
      held: () => waiting.length,
      release() {
        isHeld = false
        for (const take of waiting.splice(0)) take()
        waiting = []
      },
      close: () => undefined,
    }
  },
})

outputContract('subprocess', rig, {
  inFlight: 'one',
  without: { poison: 'a program cannot refuse a line', hold: 'the pipe takes what the program does not read yet' },
  open() {
    const folder = temporaryFolder()
    const [file, pid] = [join(folder, 'out.txt'), join(folder, 'pid')]
    return {
      config: () => `{ subprocess: { name: sh, args: [ -c, 'echo $$ > ${pid}; exec cat >> ${file}' ] } }`,
      delivered: () => linesOf(file),
      async cut() {
        // What is still in the pipe is lost with the program; the suite cuts after three messages.
        while (linesOf(file).length < 3) await new Promise(resolve => setTimeout(resolve, 5))
        const id = Number(readFileSync(pid, 'utf8'))
        process.kill(id)
        while (isAlive(id)) await new Promise(resolve => setTimeout(resolve, 5))
      },
      close: () => rmSync(folder, { recursive: true }),
    }
  },
})

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}

for (const name of ['sql_insert', 'sql_raw'] as const) {
  outputContract(name, rig, {
    inFlight: 'many',
    without: { hold: 'SQLite answers at once', cut: 'SQLite has no connection' },
    open() {
      const folder = temporaryFolder()
      const file = join(folder, 'rows.db')
      const database = new DatabaseSync(file)
      database.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT CHECK (body <> 'poison'))")
      const what =
        name === 'sql_insert' ? 'table: rows, columns: [ body ]' : 'query: INSERT INTO rows (body) VALUES (?)'
      return {
        poison: POISON,
        config: (maxInFlight = 64) =>
          `{ ${name}: { driver: sqlite, dsn: '${file}', ${what}, args_mapping: 'root = [ content().string() ]', max_in_flight: ${maxInFlight} } }`,
        delivered: () =>
          database
            .prepare('SELECT body FROM rows ORDER BY id')
            .all()
            .map(row => String(row['body'])),
        close() {
          database.close()
          rmSync(folder, { recursive: true })
        },
      }
    },
  })
}

/**
 * An output that posts to a test server. `config` creates it for a URL; `bodiesOf` extracts what the suite sent from
 * the body of a request.
 */
async function webTarget(
  config: (url: string, maxInFlight: number) => string,
  bodiesOf: (received: string) => readonly string[] = received => [received],
): Promise<OutputTarget> {
  const arrived: string[] = []
  const waiting: (() => void)[] = []
  let [isHeld, isCut] = [false, false]
  const answer = (sent: readonly string[], response: ServerResponse) => {
    if (!sent.includes(POISON)) arrived.push(...sent)
    response.writeHead(sent.includes(POISON) ? 400 : 200).end()
  }
  const server = createServer((request, response) => {
    if (isCut) {
      isCut = false
      request.socket.destroy()
      return
    }
    let received = ''
    request.on('data', (chunk: Uint8Array) => (received += Buffer.from(chunk).toString()))
    request.on('end', () => {
      const sent = bodiesOf(received)
      if (isHeld) waiting.push(() => answer(sent, response))
      else answer(sent, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  const release = () => {
    isHeld = false
    for (const go of waiting.splice(0)) go()
  }
  return {
    poison: POISON,
    config: (maxInFlight = 64) => config(`http://127.0.0.1:${port}`, maxInFlight),
    delivered: () => arrived,
    hold: () => void (isHeld = true),
    held: () => waiting.length,
    release,
    cut: () => void (isCut = true),
    async close() {
      release()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const retryFields = 'retries: 3, retry_period: 1ms, drop_on: [ 400 ]'
outputContract('http_client', rig, {
  inFlight: 'many',
  open: () =>
    webTarget(
      (url, maxInFlight) => `{ http_client: { url: '${url}', ${retryFields}, max_in_flight: ${maxInFlight} } }`,
    ),
})

const asText = "processors: [ { mapping: 'root.text = content().string()' } ]"
outputContract('slack_webhook', rig, {
  inFlight: 'one',
  without: { cut: 'each request stands alone' },
  async open() {
    const { cut: _, ...target } = await webTarget(
      url => `{ slack_webhook: { webhook: '${url}' }, ${asText} }`,
      received => [JSON.parse(received).text],
    )
    return target
  },
})

outputContract('splunk_hec', rig, {
  inFlight: 'many',
  open: () =>
    webTarget(
      (url, maxInFlight) =>
        `{ splunk_hec: { url: '${url}', token: x, batching_count: 1, max_in_flight: ${maxInFlight} } }`,
      received => received.split('\n').map(line => JSON.parse(line).event),
    ),
})

outputContract('inproc', rig, {
  inFlight: 'one',
  without: { cut: 'it has no connection' },
  open() {
    const arrived: string[] = []
    let isHeld = false
    const waiting: (() => void)[] = []
    const settle = (messages: readonly Message[], done: (error: Error | null) => void) => {
      const bodies = messages.map(message => message.text())
      if (bodies.includes(POISON)) return done(new Error('refused'))
      arrived.push(...bodies)
      done(null)
    }
    // A reader in the same stream, since pipes are shared only there.
    const piped = defineOutput({
      name: 'piped',
      summary: 'An inproc output, and a reader.',
      config: field.object({ to: field.output('The pipe.') }),
      maxInFlight: 1,
      composes: true,
      async create({ to }, resources) {
        const output = await resources.output(to)
        const pipe = InprocPipe.of(resources.shared, 'p')
        const read = async () => {
          for (
            let taken = await pipe.take(resources.signal);
            taken !== null;
            taken = await pipe.take(resources.signal)
          ) {
            const { batch, settle: done } = taken
            if (isHeld) waiting.push(() => settle(batch, done))
            else settle(batch, done)
          }
        }
        void read()
        return { write: batch => output.write(batch) }
      },
    })
    const release = () => {
      isHeld = false
      for (const go of waiting.splice(0)) go()
    }
    return {
      specs: [piped],
      poison: POISON,
      config: () => '{ piped: { to: { inproc: p } } }',
      delivered: () => arrived,
      hold: () => void (isHeld = true),
      held: () => waiting.length,
      release,
      close: release,
    }
  },
})

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'penstock-contract-'))
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}
