import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { asError } from '../../base/index.ts'
import type { ComponentHost } from '../../engine/index.ts'

/** A protocol in which each command has one response: a line, and after some lines a value. */
export interface CommandProtocol {
  /** The size in bytes of the value after a line; undefined if there is none. */
  valueSize(line: string): number | undefined
  /** The terminator of a value. */
  readonly valueEnd: string
  /** Whether a line leaves it unknown how the server interprets the rest of the command. */
  isFatal(line: string): boolean
}

export interface CommandServer {
  readonly host: string
  readonly port: number
  /** The name used in errors. */
  readonly name: string
}

export interface Answer {
  /** Without the line terminator. */
  readonly line: string
  readonly value: Uint8Array | undefined
}

/** A command waiting for its response. Responses arrive in the order of the commands. */
interface Pending {
  resolve(answer: Answer): void
  reject(error: Error): void
}

/** How long a server may take to respond before its connection counts as lost. */
const answerTimeoutMs = 5_000

/** Maximum length of a response line in bytes; the protocols use a few hundred. */
const maxLineBytes = 8192

const lineEnd = Buffer.from('\r\n')

/** A connection for commands. When it is lost, all commands without a response fail, and so do later ones. */
export class CommandConnection {
  readonly #protocol: CommandProtocol
  readonly #server: CommandServer
  readonly #socket: Socket
  #pending: Pending[] = []
  #received: Buffer = Buffer.alloc(0)
  #failure: Error | null = null

  constructor(protocol: CommandProtocol, server: CommandServer, host: ComponentHost) {
    this.#protocol = protocol
    this.#server = server
    this.#socket = host.network
      .connect({ host: server.host, port: server.port, noDelay: true })
      .on('data', (data: Buffer | string) => this.#take(Buffer.from(data)))
      .on('timeout', () => this.#lose(new Error(`${server.name} did not answer within ${answerTimeoutMs} ms`)))
      .on('error', error => this.#lose(asError(error)))
      .on('close', () => this.#lose(new Error(`${server.name} closed the connection`)))
  }

  get isLost(): boolean {
    return this.#failure !== null
  }

  ask(command: string, value?: Uint8Array): Promise<Answer> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#pending.push({ resolve, reject })
    // Measured from the last time that data was sent or received.
    this.#socket.setTimeout(answerTimeoutMs)
    this.#socket.cork()
    this.#socket.write(`${command}\r\n`)
    if (value !== undefined) {
      this.#socket.write(value)
      this.#socket.write(lineEnd)
    }
    this.#socket.uncork()
    return promise
  }

  /** The error for a response that does not fit the command. */
  unexpected(line: string): Error {
    return new Error(`${this.#server.name}: unexpected answer: ${line}`)
  }

  close(): void {
    this.#lose(new Error('the connection was closed'))
  }

  #lose(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    // Data already written is still sent.
    this.#socket.destroySoon()
    for (const { reject } of this.#pending.splice(0)) reject(error)
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data])
    for (;;) {
      const answer = this.#failure === null ? this.#nextAnswer() : undefined
      if (answer === undefined) break
      const { line } = answer
      const pending = this.#pending.shift()
      if (pending === undefined || this.#protocol.isFatal(line)) {
        pending?.reject(this.unexpected(line))
        return this.#lose(this.unexpected(line))
      }
      pending.resolve(answer)
    }
    if (this.#pending.length === 0) this.#socket.setTimeout(0)
  }

  /** Takes a complete response from the received data, if there is one. */
  #nextAnswer(): Answer | undefined {
    const received = this.#received
    const end = received.indexOf(lineEnd)
    if (end === -1 && received.length > maxLineBytes) {
      this.#lose(new Error(`${this.#server.name} sent a line of more than ${maxLineBytes} bytes`))
    }
    if (end === -1) return undefined
    const line = received.toString('latin1', 0, end)
    const start = end + lineEnd.length
    const size = this.#protocol.valueSize(line)
    if (size === undefined) {
      this.#received = received.subarray(start)
      return { line, value: undefined }
    }
    const valueEnd = start + size
    const next = valueEnd + this.#protocol.valueEnd.length
    if (received.length < next) return undefined
    this.#received = received.subarray(next)
    return { line, value: Buffer.from(received.subarray(start, valueEnd)) }
  }
}

/** Parses `host:port`; undefined if the text is not such an address. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  return host === undefined ? undefined : { host: host.replace(/^\[(.+)\]$/, '$1'), port: Number(port) }
}
