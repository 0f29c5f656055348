// Runs the contract suite on every input that needs no external server.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { Agent, createServer, request } from 'node:http'
import { connect, createServer as createSocketServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { WebSocketServer } from 'ws'
import { defineInput, field, Message } from '../../engine/index.ts'
import { inputContract, type InputTarget } from '../../engine/contract/input.suite.ts'
import { until } from '../../engine/contract/rig.ts'
import { systemHost } from '../../host/index.ts'
import { InprocPipe } from '../pure/inproc-pipe.ts'
import { rig } from './rig.suite.ts'
import { freePort, portOf } from '../../../test/servers/ports.ts'

const numbers = Array.from({ length: 20 }, (_, index) => `{"n":${index + 1}}`)
const generate = "{ generate: { count: 20, interval: '', mapping: 'root.n = counter()' } }"

/** A long series of numbers from an input that wraps `generate`. */
const counted =
  (around: (own: string) => string, more: (own: string) => string = () => '') =>
  (texts: readonly string[]): InputTarget => {
    const own = generate.replace('count: 20', `count: ${texts.length}`)
    return { config: around(own), more: more(own), bodies: texts }
  }

/** Numbers from an input that wraps `generate`. */
const generated =
  (config: string, more = ''): (() => InputTarget) =>
  () => ({ config, more, bodies: numbers })

const unconnected = { never: 'it has no connection' }

inputContract('generate', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated(generate),
  plenty: counted(own => own),
})
inputContract('batched', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated(`{ batched: { child: ${generate}, policy: { count: 1 } } }`),
  plenty: counted(own => `{ batched: { child: ${own}, policy: { count: 1 } } }`),
})
inputContract('broker', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated(`{ broker: { inputs: [ ${generate} ] } }`),
  plenty: counted(own => `{ broker: { inputs: [ ${own} ] } }`),
})
inputContract('read_until', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated(`{ read_until: { check: this.n == 20, input: ${generate.replace('count: 20', 'count: 40')} } }`),
})
inputContract('dynamic', rig, {
  ends: false,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated(`{ dynamic: { inputs: { first: ${generate} } } }`),
  plenty: counted(own => `{ dynamic: { inputs: { first: ${own} } } }`),
})
inputContract('sequence', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated(`{ sequence: { inputs: [ ${generate} ] } }`),
  plenty: counted(own => `{ sequence: { inputs: [ ${own} ] } }`),
})
inputContract('resource', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: generated('{ resource: r }', `input_resources: [ { label: r, ${generate.slice(1, -1)} } ]`),
  plenty: counted(
    () => '{ resource: r }',
    own => `input_resources: [ { label: r, ${own.slice(1, -1)} } ]`,
  ),
})

inputContract('file', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: () => files('lines.txt', numbers, path => `{ file: { paths: [ '${path}' ] } }`),
  plenty: texts => files('lines.txt', texts, path => `{ file: { paths: [ '${path}' ] } }`),
})
inputContract('file_tail', rig, {
  ends: false,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: () => files('tail.log', numbers, path => `{ file_tail: { path: '${path}', poll_interval: 5ms } }`),
})
inputContract('csv', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open: () => ({
    ...files('rows.csv', ['n', ...numbers.map((_, index) => `r${index}`)], path => `{ csv: { paths: [ '${path}' ] } }`),
    bodies: numbers.map((_, index) => `{"n":"r${index}"}`),
  }),
  plenty: texts => files('rows.csv', ['n', ...texts], path => `{ csv: { paths: [ '${path}' ] } }`),
})
inputContract('parquet', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: true,
  open() {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
    const file = join(folder, 'rows.parquet')
    const columnData = [{ name: 'n', data: numbers.map((_, index) => index + 1), type: 'INT32' as const }]
    writeFileSync(file, new Uint8Array(parquetWriteBuffer({ columnData })))
    return {
      config: `{ parquet: { paths: [ '${file}' ] } }`,
      bodies: numbers,
      close: () => rmSync(folder, { recursive: true }),
    }
  },
})
inputContract('subprocess', rig, {
  ends: true,
  replays: { never: 'what a program printed is gone; the original does not replay it either' },
  reconnects: unconnected,
  resumes: true,
  open: () => files('printed.txt', numbers, path => `{ subprocess: { name: cat, args: [ '${path}' ] } }`),
  plenty: texts => files('printed.txt', texts, path => `{ subprocess: { name: cat, args: [ '${path}' ] } }`),
})

inputContract('socket', rig, {
  ends: false,
  replays: true,
  reconnects: { never: 'a socket does not tell what arrived' },
  resumes: { never: 'a socket does not tell what arrived' },
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
    const path = join(folder, 'socket')
    const sockets = new Set<Socket>()
    const server = createSocketServer(socket => {
      sockets.add(socket.on('error', () => undefined))
      socket.write(`${numbers.join('\n')}\n`)
    })
    await new Promise<void>(resolve => server.listen(path, resolve))
    return {
      config: `{ socket: { network: unix, address: '${path}' } }`,
      bodies: numbers,
      async close() {
        for (const socket of sockets) socket.destroy()
        await new Promise(resolve => server.close(resolve))
        rmSync(folder, { recursive: true })
      },
    }
  },
})
inputContract('socket_server', rig, {
  ends: false,
  replays: true,
  reconnects: { never: 'a socket does not tell what arrived' },
  resumes: { never: 'a socket does not tell what arrived' },
  open() {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
    const path = join(folder, 'socket')
    let client: Socket | undefined
    return {
      config: `{ socket_server: { network: unix, address: '${path}' } }`,
      bodies: numbers,
      async feed() {
        await until(rig, () => existsSync(path), 'the server listens')
        client = connect(path).on('error', () => undefined)
        client.write(`${numbers.join('\n')}\n`)
      },
      close() {
        client?.destroy()
        rmSync(folder, { recursive: true })
      },
    }
  },
})

for (const name of ['sql_raw', 'sql_select'] as const) {
  inputContract(name, rig, {
    ends: true,
    replays: true,
    reconnects: unconnected,
    resumes: true,
    open() {
      const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
      const file = join(folder, 'rows.db')
      const database = new DatabaseSync(file)
      database.exec('CREATE TABLE rows (n INTEGER)')
      for (let n = 1; n <= 20; n++) database.prepare('INSERT INTO rows VALUES (?)').run(n)
      database.close()
      const what =
        name === 'sql_raw' ? 'query: SELECT n FROM rows ORDER BY n' : 'table: rows, columns: [ n ], suffix: ORDER BY n'
      return {
        config: `{ ${name}: { driver: sqlite, dsn: '${file}', ${what} } }`,
        bodies: numbers,
        close: () => rmSync(folder, { recursive: true }),
      }
    },
  })
}

inputContract('http_client', rig, {
  ends: true,
  replays: true,
  reconnects: { never: 'nothing says which lines of a response that broke off arrived' },
  resumes: true,
  async open() {
    const server = createServer((_, response) => response.end(`${numbers.join('\n')}\n`))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const port = portOf(server)
    return {
      config: `{ http_client: { url: 'http://127.0.0.1:${port}', verb: GET, stream: { enabled: true, reconnect: false } } }`,
      bodies: numbers,
      async close() {
        server.closeAllConnections()
        await new Promise(resolve => server.close(resolve))
      },
    }
  },
})

inputContract('websocket', rig, {
  ends: false,
  replays: true,
  reconnects: { never: 'a socket does not tell what arrived' },
  resumes: { never: 'a socket does not tell what arrived' },
  async open() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise(resolve => server.once('listening', resolve))
    server.on('connection', socket => {
      for (const body of numbers) socket.send(body)
    })
    const port = portOf(server)
    return {
      config: `{ websocket: { url: 'ws://127.0.0.1:${port}' } }`,
      bodies: numbers,
      async close() {
        for (const socket of server.clients) socket.terminate()
        await new Promise(resolve => server.close(resolve))
      },
    }
  },
})

inputContract('stdin', rig, {
  ends: true,
  replays: true,
  reconnects: unconnected,
  resumes: { never: 'what was read of a pipe is gone' },
  open: () => piped(numbers),
  plenty: piped,
})

/** Lines on the standard input of a stream, which reads them from an operating system pipe. */
function piped(lines: readonly string[]): InputTarget {
  // A stream that stops early breaks its pipe, about which the program complains.
  const program = spawn('cat', [], { stdio: ['pipe', 'pipe', 'ignore'] })
  program.stdin.on('error', () => undefined).end(`${lines.join('\n')}\n`)
  return {
    config: '{ stdin: {} }',
    host: { ...systemHost, stdio: { ...systemHost.stdio, input: program.stdout } },
    bodies: lines,
    close: () => void program.kill('SIGKILL'),
  }
}

inputContract('inproc', rig, {
  ends: false,
  // The writer of a pipe learns which messages were rejected; this one writes them again.
  replays: true,
  reconnects: unconnected,
  resumes: { never: 'a pipe and its writer end with their stream' },
  open: () => written(numbers),
  plenty: written,
})

/** An `inproc` input and a writer in the same stream, since pipes are shared only there. */
function written(texts: readonly string[]): InputTarget {
  let handedOut = 0
  const fed = defineInput({
    name: 'fed',
    summary: 'An inproc input, and a writer.',
    config: field.object({ from: field.input('The pipe.') }),
    composes: true,
    async create({ from }, resources) {
      const input = await resources.input(from)
      const pipe = InprocPipe.of(resources.shared, 'p')
      const write = async () => {
        for (const body of texts) {
          handedOut++
          const batch = [Message.fromText(body)]
          const write = () => pipe.write(batch)
          await write().catch(write)
        }
      }
      write().catch(() => undefined) // a stream that ends leaves its writer behind
      return { read: signal => input.next(signal), close: () => input.close() }
    },
  })
  return {
    specs: [fed],
    config: '{ fed: { from: { inproc: p } } }',
    bodies: texts,
    handedOut: () => handedOut,
  }
}

inputContract('http_server', rig, {
  ends: false,
  // A client learns that its message was not delivered; this one sends it again.
  replays: true,
  reconnects: true,
  resumes: true,
  remembers: true,
  open: () => posted(numbers),
})

/** An `http_server` and a client that sends each body until it is accepted. */
async function posted(texts: readonly string[]): Promise<InputTarget> {
  const port = await freePort()
  const agent = new Agent({ keepAlive: true })
  const sockets = new Set<Socket>()
  const over = new AbortController()
  const post = (body: string) =>
    new Promise<boolean>(resolve => {
      const options = { port, host: '127.0.0.1', path: '/post', method: 'POST', agent }
      const sending = request(options, response => {
        response.resume().on('close', () => resolve(response.statusCode === 200))
      })
      sending.on('socket', socket => void sockets.add(socket)).on('error', () => resolve(false))
      sending.end(body)
    })
  const sendAll = async () => {
    for (const body of texts) {
      while (!over.signal.aborted && !(await post(body))) await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  let sending: Promise<void> | undefined
  return {
    config: `{ http_server: { address: '127.0.0.1:${port}', path: /post } }`,
    bodies: texts,
    feed: () => void (sending = sendAll()),
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      over.abort()
      agent.destroy()
      await sending
    },
  }
}

function files(name: string, lines: readonly string[], config: (path: string) => string): InputTarget {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
  const path = join(folder, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return { config: config(path), bodies: lines, close: () => rmSync(folder, { recursive: true }) }
}
