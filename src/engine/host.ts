import type { ChildProcess } from 'node:child_process'
import type { Socket as DatagramSocket, SocketType } from 'node:dgram'
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Agent, AgentOptions, IncomingMessage, RequestListener, Server } from 'node:http'
import type { Agent as SecureAgent, AgentOptions as SecureAgentOptions, ServerOptions } from 'node:https'
import type { ListenOptions, LookupFunction, Server as SocketServer, Socket, TcpNetConnectOpts } from 'node:net'
import type { DatabaseSync } from 'node:sqlite'
import type { Readable, Writable } from 'node:stream'
import type { ConnectionOptions, TlsOptions as TlsServerOptions, TLSSocket } from 'node:tls'
import type { Agent as Pool, Dispatcher, fetch } from 'undici'
import type { Host } from '../bloblang/index.ts'

/**
 * The machine as components see it. Each part is a capability: it works if the component's spec declares the need and
 * the host grants it, and throws a `CapabilityError` otherwise. Components reach the outside through this alone.
 */
export interface ComponentHost extends Host {
  readonly files: Files
  readonly databases: Databases
  readonly processes: Processes
  readonly network: Network
  readonly listen: Listening
  readonly stdio: Stdio
}

/** `files`. Methods and errors are those of `node:fs`; relative paths start at the working directory of the process. */
export interface Files {
  open(path: string, flags: string): Promise<FileHandle>
  readFile(path: string): Promise<Buffer>
  readFileSync(path: string): Buffer
  writeFile(path: string, data: Uint8Array | string, flag?: 'w' | 'wx' | 'a'): Promise<void>
  /** Creates a folder and its parents; an existing one is not an error. */
  mkdir(path: string): Promise<void>
  unlink(path: string): Promise<void>
  rmdir(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  copyFile(from: string, to: string): Promise<void>
  stat(path: string): Promise<Stats>
  /** Returns the files, not folders, that match a pattern, sorted; a path without `*`, `?` or `[` is returned as is. */
  glob(pattern: string): string[]
  /** Connects to a Unix domain socket. */
  connect(path: string): Socket
}

/** `database_files`: SQLite databases in files. An in-memory database needs no grant, and cannot attach a file. */
export interface Databases {
  /** Opens `:memory:` or a path; throws the errors of `node:sqlite`. */
  open(path: string, options: { readonly readOnly?: boolean; readonly timeoutMs?: number }): DatabaseSync
}

/** `processes`. */
export interface Processes {
  /** Starts a program with pipes as its standard streams; failures are emitted as `error`. */
  spawn(name: string, args: readonly string[]): ChildProcess
}

/**
 * `network`: outgoing connections. Everything here refuses addresses that the host does not grant, checking the
 * resolved address for each connection; an SDK that uses any of these is therefore restricted too, also after
 * redirects.
 */
export interface Network {
  /** Web `fetch` with the extensions of `undici`. */
  readonly fetch: typeof fetch
  /** For clients that take an `undici` dispatcher: one connection pool per origin. */
  dispatcher(options?: Pool.Options): Dispatcher
  /** For clients that take a resolver function. It sees neither ports nor addresses that need no resolving. */
  readonly lookup: LookupFunction
  /** For clients that take a socket, or a function that opens one. */
  connect(options: TcpNetConnectOpts): Socket
  connectTls(options: ConnectionOptions): TLSSocket
  /** For UDP. If addresses are restricted, sending to a refused one is an error. */
  datagrams(type: SocketType): DatagramSocket
  /** For clients that take agents of `node:http` and `node:https`. */
  agent(options?: AgentOptions): Agent
  secureAgent(options?: SecureAgentOptions): SecureAgent
  /** `HTTP_PROXY` and the like; empty if addresses are restricted, because a proxy could reach refused ones. */
  readonly proxyVariables: Readonly<Record<string, string | undefined>>
}

/** `listen`: servers on their own addresses. The HTTP server shared by all streams needs no grant. */
export interface Listening {
  /**
   * A server that is not listening yet. With `tls` it speaks HTTPS. Requests for another protocol that `takesUpgrade`
   * declines are handled like any other.
   */
  httpServer(handle: RequestListener, takesUpgrade: (request: IncomingMessage) => boolean, tls?: ServerOptions): Server
  /** A server of plain connections that is not listening yet. With `tls` they are encrypted. */
  socketServer(handle: (socket: Socket) => void, tls?: TlsServerOptions): SocketServer
  /** Makes a server listen; resolves once it does. */
  start(server: SocketServer, options: ListenOptions): Promise<void>
  /** A socket that receives datagrams. */
  datagrams(type: SocketType, options: { readonly port: number; readonly address?: string }): Promise<DatagramSocket>
}

/** `stdio`: the standard streams of the process. */
export interface Stdio {
  readonly input: Readable
  readonly output: Writable
}
