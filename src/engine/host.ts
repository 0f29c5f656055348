import type { ChildProcess } from 'node:child_process'
import type { Socket as DatagramSocket, SocketType } from 'node:dgram'
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Agent, AgentOptions, RequestListener, Server } from 'node:http'
import type { Agent as SecureAgent, AgentOptions as SecureAgentOptions, ServerOptions } from 'node:https'
import type { ListenOptions, LookupFunction, Server as SocketServer, Socket, TcpNetConnectOpts } from 'node:net'
import type { DatabaseSync } from 'node:sqlite'
import type { Readable, Writable } from 'node:stream'
import type { ConnectionOptions, TlsOptions as TlsServerOptions, TLSSocket } from 'node:tls'
import type { Agent as Pool, Dispatcher, fetch } from 'undici'
import type { Host } from '../bloblang/index.ts'

/**
 * The machine as components see it. Each part is a capability: it works where the component's spec declares the need and the
 * host grants it, and throws a `CapabilityError` otherwise. Components reach the outside through this and through nothing else.
 */
export interface ComponentHost extends Host {
  readonly files: Files
  readonly databases: Databases
  readonly processes: Processes
  readonly network: Network
  readonly listen: Listening
  readonly stdio: Stdio
}

/** `files`. The methods are those of `node:fs`, with its errors; relative paths begin at the folder of the process. */
export interface Files {
  open(path: string, flags: string): Promise<FileHandle>
  readFile(path: string): Promise<Buffer>
  readFileSync(path: string): Buffer
  writeFile(path: string, data: Uint8Array | string, flag?: 'w' | 'wx' | 'a'): Promise<void>
  /** Makes a folder and those above it; an existing one is not an error. */
  mkdir(path: string): Promise<void>
  unlink(path: string): Promise<void>
  rmdir(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  copyFile(from: string, to: string): Promise<void>
  stat(path: string): Promise<Stats>
  /** The files, without folders, that match a pattern, sorted; a path without `*`, `?` and `[` stands for itself. */
  glob(pattern: string): string[]
  /** Connects to a socket of the file system. */
  connect(path: string): Socket
}

/** `database_files`: SQLite databases in files. One in memory needs nothing, and cannot attach a file. */
export interface Databases {
  /** `:memory:` or a path; throws the errors of `node:sqlite`. */
  open(path: string, options: { readonly readOnly?: boolean; readonly timeoutMs?: number }): DatabaseSync
}

/** `processes`. */
export interface Processes {
  /** Starts a program with pipes for its standard streams; failures are emitted as `error`. */
  spawn(name: string, args: readonly string[]): ChildProcess
}

/**
 * `network`: connections to elsewhere. Everything here refuses the addresses that the host does not grant, by the address that
 * a name resolves to, for each connection: so an SDK that is given any of these is held to it, after redirects, too.
 */
export interface Network {
  /** Web `fetch`, with `undici`'s additions. */
  readonly fetch: typeof fetch
  /** For clients that take a dispatcher of `undici`: a pool of connections for each origin. */
  dispatcher(options?: Pool.Options): Dispatcher
  /** For clients that take a function to resolve names. It knows neither ports nor addresses that need no resolving. */
  readonly lookup: LookupFunction
  /** For clients that take a socket or a function that makes one. */
  connect(options: TcpNetConnectOpts): Socket
  connectTls(options: ConnectionOptions): TLSSocket
  /** For UDP. Where addresses are refused, sending to one is an error. */
  datagrams(type: SocketType): DatagramSocket
  /** For clients that take agents of `node:http` and `node:https`. */
  agent(options?: AgentOptions): Agent
  secureAgent(options?: SecureAgentOptions): SecureAgent
  /** `HTTP_PROXY` and its like; empty where addresses are refused, since a proxy would reach them. */
  readonly proxyVariables: Readonly<Record<string, string | undefined>>
}

/** `listen`: servers on addresses of their own. The HTTP server that all streams share needs nothing. */
export interface Listening {
  /** A server that does not listen yet. With `tls` it speaks HTTPS. */
  httpServer(handle: RequestListener, tls?: ServerOptions): Server
  /** A server of plain connections that does not listen yet. With `tls` they are encrypted. */
  socketServer(handle: (socket: Socket) => void, tls?: TlsServerOptions): SocketServer
  /** Lets a server listen; resolves when it does. */
  start(server: SocketServer, options: ListenOptions): Promise<void>
  /** A socket that receives datagrams. */
  datagrams(type: SocketType, options: { readonly port: number; readonly address?: string }): Promise<DatagramSocket>
}

/** `stdio`: the standard streams of the process. */
export interface Stdio {
  readonly input: Readable
  readonly output: Writable
}
