import type { Resources } from '../../engine/index.ts'
import { type Answer, CommandConnection, type CommandProtocol, type CommandServer } from '../io/command-connection.ts'

/** As of memcached's text protocol in `doc/protocol.txt`. */
const protocol: CommandProtocol = {
  valueSize(line) {
    const size = /^VALUE \S+ \d+ (\d+)/.exec(line)?.[1]
    return size === undefined ? undefined : Number(size)
  },
  valueEnd: '\r\nEND\r\n',
  isFatal: line => line === 'ERROR' || line.startsWith('CLIENT_ERROR'),
}

/** A memcached server, connected on demand. */
export class MemcachedServer {
  readonly #server: CommandServer
  readonly #resources: Resources
  #connection: CommandConnection | null = null

  constructor(server: { readonly host: string; readonly port: number }, resources: Resources) {
    this.#server = { ...server, name: `memcached at ${server.host}:${server.port}` }
    this.#resources = resources
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const { line, value } = await this.#ask(`get ${key}`)
    if (line === 'END' || value !== undefined) return value
    throw this.#unexpected(line)
  }

  /** Returns false if `add` found the key. */
  async store(verb: 'set' | 'add', key: string, value: Uint8Array, expiry: number): Promise<boolean> {
    const { line } = await this.#ask(`${verb} ${key} 0 ${expiry} ${value.length}`, value)
    if (line === 'STORED') return true
    if (line === 'NOT_STORED' && verb === 'add') return false
    throw this.#unexpected(line)
  }

  async delete(key: string): Promise<void> {
    const { line } = await this.#ask(`delete ${key}`)
    if (line !== 'DELETED' && line !== 'NOT_FOUND') throw this.#unexpected(line)
  }

  close(): void {
    this.#connection?.close()
  }

  #ask(command: string, value?: Uint8Array): Promise<Answer> {
    if (this.#connection === null || this.#connection.isLost) {
      this.#connection = new CommandConnection(protocol, this.#server, this.#resources.host)
    }
    return this.#connection.ask(command, value)
  }

  #unexpected(line: string): Error {
    return new Error(`${this.#server.name}: unexpected answer: ${line}`)
  }
}
