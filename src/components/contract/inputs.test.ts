// The contract on every input that needs no server of its own.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createSocketServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { WebSocketServer } from 'ws'
import { inputContract, type InputTarget } from '../../engine/contract/input.suite.ts'
import { until } from '../../engine/contract/rig.ts'
import { rig } from './rig.suite.ts'

const numbers = Array.from({ length: 20 }, (_, index) => `{"n":${index + 1}}`)
const generate = "{ generate: { count: 20, interval: '', mapping: 'root.n = counter()' } }"

/** Numbers by an input around `generate`. */
const generated =
  (config: string, more = ''): (() => InputTarget) =>
  () => ({ config, more, bodies: numbers })

inputContract('generate', rig, { ends: true, replays: true, open: generated(generate) })
inputContract('batched', rig, {
  ends: true,
  replays: true,
  open: generated(`{ batched: { child: ${generate}, policy: { count: 1 } } }`),
})
inputContract('broker', rig, { ends: true, replays: true, open: generated(`{ broker: { inputs: [ ${generate} ] } }`) })
inputContract('read_until', rig, {
  ends: true,
  // A defect: of a run, what is behind a final message that is refused goes before the message comes again.
  replays: { never: 'a final message that is refused is overtaken by the rest of its run' },
  open: generated(`{ read_until: { check: this.n == 20, input: ${generate.replace('count: 20', 'count: 40')} } }`),
})
inputContract('dynamic', rig, {
  ends: false,
  replays: true,
  open: generated(`{ dynamic: { inputs: { first: ${generate} } } }`),
})
inputContract('sequence', rig, {
  ends: true,
  replays: true,
  open: generated(`{ sequence: { inputs: [ ${generate} ] } }`),
})
inputContract('resource', rig, {
  ends: true,
  replays: true,
  open: generated('{ resource: r }', `input_resources: [ { label: r, ${generate.slice(1, -1)} } ]`),
})

inputContract('file', rig, {
  ends: true,
  replays: true,
  open: () => files('lines.txt', numbers, path => `{ file: { paths: [ '${path}' ] } }`),
})
inputContract('file_tail', rig, {
  ends: false,
  replays: true,
  open: () => files('tail.log', numbers, path => `{ file_tail: { path: '${path}', poll_interval: 5ms } }`),
})
inputContract('csv', rig, {
  ends: true,
  replays: true,
  open: () => ({
    ...files('rows.csv', ['n', ...numbers.map((_, index) => `r${index}`)], path => `{ csv: { paths: [ '${path}' ] } }`),
    bodies: numbers.map((_, index) => `{"n":"r${index}"}`),
  }),
})
inputContract('parquet', rig, {
  ends: true,
  replays: true,
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
  open: () => files('printed.txt', numbers, path => `{ subprocess: { name: cat, args: [ '${path}' ] } }`),
})

inputContract('socket', rig, {
  ends: false,
  replays: true,
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
  async open() {
    const server = createServer((_, response) => response.end(`${numbers.join('\n')}\n`))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // a TCP server has no other
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
  async open() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise(resolve => server.once('listening', resolve))
    server.on('connection', socket => {
      for (const body of numbers) socket.send(body)
    })
    const { port } = server.address() as AddressInfo // a TCP server has no other
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

function files(name: string, lines: readonly string[], config: (path: string) => string): InputTarget {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
  const path = join(folder, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return { config: config(path), bodies: lines, close: () => rmSync(folder, { recursive: true }) }
}
