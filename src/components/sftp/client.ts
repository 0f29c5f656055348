import { Buffer } from 'node:buffer'
import { posix } from 'node:path'
import type { Client, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2'
import { asError, messageOf } from '../../base/index.ts'
import { ConfigError, field, type Infer, NotConnectedError, type Resources } from '../../engine/index.ts'
import { hostAndPort } from '../io/command-connection.ts'

export const clientFields = {
  address: field.string('The address of the server, as `host:port`.').needs('network').examples('localhost:22'),
  credentials: field
    .object(
      {
        username: field.string('The user name.').default(''),
        password: field.string('The password of the user.').default('').secret(),
        private_key_file: field.string('A file with a private key of the user.').needs('files').default(''),
        private_key_pass: field.string('The passphrase of the private key.').default('').secret(),
        host_public_key: field
          .string(
            'The public key of the server in the format of known_hosts: `ssh-ed25519 AAAA…`. Connections to a server with another key fail. If empty, any key is accepted, as in the original, which does not have this field.',
          )
          .default(''),
      },
      'How the client authenticates.',
    )
    .optional(),
}

type ClientConfig = Infer<typeof clientFields>

/** How long connecting may take, in milliseconds. */
const connectTimeoutMs = 30_000
/**
 * Interval of keep-alive requests on an idle connection, in milliseconds; it counts as lost after three without an
 * answer.
 */
const keepaliveMs = 10_000

/** The status codes of unsuccessful requests, by their protocol names (draft-ietf-secsh-filexfer-02, 7). */
export type SftpCode = 'end of file' | 'no such file' | 'permission denied' | 'failure' | 'other'

/** A request failed at the server; the connection is unaffected. */
export class SftpError extends Error {
  readonly code: SftpCode

  constructor(code: SftpCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SftpError'
    this.code = code
  }
}

const codes: Readonly<Record<number, SftpCode>> = {
  1: 'end of file',
  2: 'no such file',
  3: 'permission denied',
  4: 'failure',
}

/** A client that connects to a server, and reconnects after a loss. */
export class SftpClient {
  readonly #address: { readonly host: string; readonly port: number }
  readonly #credentials: NonNullable<ClientConfig['credentials']>
  readonly #resources: Resources
  #session: SftpSession | null = null
  #connecting: Promise<SftpSession> | null = null
  #isClosed = false

  /** Validates the settings. Throws {@link ConfigError}. */
  constructor({ address, credentials }: ClientConfig, resources: Resources) {
    const parsed = hostAndPort(address)
    if (parsed === undefined) {
      throw new ConfigError(`sftp: '${address}' is not an address; expected host:port, such as localhost:22`)
    }
    if (credentials === undefined || credentials.username === '') {
      throw new ConfigError('sftp: credentials.username is missing')
    }
    this.#address = parsed
    this.#credentials = credentials
    this.#resources = resources
  }

  /** The current connection. Throws a {@link NotConnectedError} if there is none. */
  get current(): SftpSession {
    if (this.#session === null || this.#session.isLost) throw new NotConnectedError()
    return this.#session
  }

  /** The current connection, or a new one. */
  async session(signal: AbortSignal): Promise<SftpSession> {
    if (this.#session !== null && !this.#session.isLost) return this.#session
    this.#connecting ??= this.#connect(signal).finally(() => (this.#connecting = null))
    return await this.#connecting
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#session?.close()
  }

  async #connect(signal: AbortSignal): Promise<SftpSession> {
    if (this.#isClosed) throw new NotConnectedError(new Error('the connection was closed'))
    const { host } = this.#resources
    const { username, password, private_key_file: keyFile, private_key_pass: passphrase } = this.#credentials
    const privateKey = keyFile === '' ? undefined : await readKey(keyFile, host)
    const { Client, utils } = (await import('ssh2')).default
    const wanted = this.#hostKey(utils)
    signal.throwIfAborted()
    const client = new Client()
    const options = {
      sock: host.network.connect({ ...this.#address, noDelay: true }),
      username,
      ...(password === '' ? {} : { password }),
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(passphrase === '' ? {} : { passphrase }),
      ...(wanted === null ? {} : { hostVerifier: (key: Buffer) => key.equals(wanted) }),
      readyTimeout: connectTimeoutMs,
      keepaliveInterval: keepaliveMs,
    }
    const session = await SftpSession.open(client, options, signal)
    session.onLost(cause => this.#isClosed || this.#resources.log.error(`SFTP connection lost: ${messageOf(cause)}`))
    this.#session = session
    return session
  }

  #hostKey({ parseKey }: typeof import('ssh2').utils): Buffer | null {
    const { host_public_key: text } = this.#credentials
    if (text === '') return null
    const key = parseKey(text)
    if (key instanceof Error) throw new Error(`failed to parse host_public_key: ${key.message}`, { cause: key })
    return (Array.isArray(key) ? key[0]! : key).getPublicSSH()
  }
}

async function readKey(path: string, { files }: Resources['host']): Promise<Buffer> {
  try {
    return await files.readFile(path)
  } catch (error) {
    throw new Error(`failed to read private key: ${messageOf(error)}`, { cause: error })
  }
}

type ConnectOptions = Parameters<Client['connect']>[0]
type Done<T> = (error: Error | null | undefined, value: T) => void

/** An open file. */
export interface RemoteFile {
  readonly path: string
  readonly handle: Buffer
}

/** An open connection. When it is lost, all pending and later requests fail. */
export class SftpSession {
  readonly #client: Client
  readonly #pending = new Set<(error: Error) => void>()
  readonly #listeners: ((cause: Error) => void)[] = []
  #sftp: SFTPWrapper | null = null
  #failure: Error | null = null

  private constructor(client: Client) {
    this.#client = client
    client
      .on('error', error => this.#lose(error))
      .on('close', () => this.#lose(new Error('the server closed the connection')))
  }

  static async open(client: Client, options: ConnectOptions, signal: AbortSignal): Promise<SftpSession> {
    const session = new SftpSession(client)
    const abort = () => session.#lose(asError(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    try {
      await session.#wait<void>(done => client.once('ready', () => done(null)).connect(options))
      session.#sftp = await session.#wait<SFTPWrapper>(done => client.sftp(done))
      session.#sftp.on('close', () => session.#lose(new Error('the server closed the connection')))
      return session
    } catch (error) {
      client.end()
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  get isLost(): boolean {
    return this.#failure !== null
  }

  /** Calls `listener` with the reason when the connection is lost. */
  onLost(listener: (cause: Error) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    this.#client.end()
    this.#lose(new Error('the connection was closed'))
  }

  async open(path: string, flags: 'r' | 'w' | 'a'): Promise<RemoteFile> {
    const handle = await this.#ask<Buffer>(`open ${path}`, (sftp, done) => sftp.open(path, flags, done))
    return { path, handle }
  }

  async closeFile({ path, handle }: RemoteFile): Promise<void> {
    await this.#tell(`close ${path}`, (sftp, done) => sftp.close(handle, done))
  }

  /** The size and times of an open file. */
  attributes({ path, handle }: RemoteFile): Promise<Stats> {
    return this.#ask(`stat ${path}`, (sftp, done) => sftp.fstat(handle, done))
  }

  /** The size, times and type of a file; follows links. */
  stat(path: string): Promise<Stats> {
    return this.#ask(`stat ${path}`, (sftp, done) => sftp.stat(path, done))
  }

  list(folder: string): Promise<readonly FileEntryWithStats[]> {
    return this.#ask(`list ${folder}`, (sftp, done) => sftp.readdir(folder, done))
  }

  async remove(path: string): Promise<void> {
    await this.#tell(`remove ${path}`, (sftp, done) => sftp.unlink(path, done))
  }

  /** Creates a folder and its parents. */
  async makeFolders(path: string): Promise<void> {
    try {
      await this.#makeFolder(path)
    } catch (error) {
      const parent = posix.dirname(path)
      if (!hasCode(error, 'no such file') || parent === path) throw error
      await this.makeFolders(parent)
      await this.#makeFolder(path)
    }
  }

  /** Makes one folder, unless it is there. */
  async #makeFolder(path: string): Promise<void> {
    try {
      await this.#tell(`mkdir ${path}`, (sftp, done) => sftp.mkdir(path, done))
    } catch (error) {
      if (!(await this.#isFolder(path, error))) throw error
    }
  }

  /** Reads bytes at a position; fewer than requested at the end of the file, and possibly elsewhere. */
  async read({ path, handle }: RemoteFile, position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length)
    try {
      const read = await this.#ask<number>(`read ${path}`, (sftp, done) =>
        sftp.read(handle, bytes, 0, length, position, done),
      )
      return bytes.subarray(0, read)
    } catch (error) {
      if (hasCode(error, 'end of file')) return bytes.subarray(0, 0)
      throw error
    }
  }

  /** Writes bytes at a position, with several concurrent requests. */
  async write({ path, handle }: RemoteFile, bytes: Uint8Array, position: number): Promise<void> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let start = 0; start < buffer.length; start += windowBytes) {
      const end = Math.min(start + windowBytes, buffer.length)
      const offsets = Array.from(
        { length: Math.ceil((end - start) / requestBytes) },
        (_, i) => start + i * requestBytes,
      )
      const answers = offsets.map(offset => {
        const length = Math.min(requestBytes, end - offset)
        return this.#tell(`write ${path}`, (sftp, done) =>
          sftp.write(handle, buffer, offset, length, position + offset, done),
        )
      })
      // Waits for all of them, so that none is in flight when the file is closed.
      const failed = (await Promise.allSettled(answers)).find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw asError(failed.reason)
    }
  }

  async #isFolder(path: string, error: unknown): Promise<boolean> {
    if (!(error instanceof SftpError)) return false
    return (await this.stat(path).catch(() => null))?.isDirectory() === true
  }

  /** Sends a request; its error begins with `what`. */
  async #ask<T>(what: string, request: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> {
    try {
      return await this.#wait<T>(done => request(this.#sftp!, done))
    } catch (error) {
      if (this.#failure !== null) throw new NotConnectedError(this.#failure)
      const code: unknown = Reflect.get(asError(error), 'code')
      throw new SftpError(codes[Number(code)] ?? 'other', `${what}: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Sends a request whose response is only a success status. */
  #tell(what: string, request: (sftp: SFTPWrapper, done: (error?: Error | null) => void) => void): Promise<void> {
    return this.#ask(what, (sftp, done) => request(sftp, error => done(error, undefined)))
  }

  /** Settled by `done`; also rejects when the connection is lost, which the library does not always report. */
  async #wait<T>(begin: (done: Done<T>) => void): Promise<T> {
    if (this.#failure !== null) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#pending.add(reject)
    try {
      begin((error, value) => (error === null || error === undefined ? resolve(value) : reject(error)))
      return await promise
    } finally {
      this.#pending.delete(reject)
    }
  }

  #lose(cause: Error): void {
    if (this.#failure !== null) return
    this.#failure = cause
    for (const reject of this.#pending) reject(cause)
    for (const listener of this.#listeners) listener(cause)
    this.#client.destroy()
  }
}

/** Bytes per read or write request: the size that every server must support. */
export const requestBytes = 32_768
/** Bytes in flight, so that requests do not wait for each other. */
export const windowBytes = 512 * 1024

export function hasCode(error: unknown, code: SftpCode): boolean {
  return error instanceof SftpError && error.code === code
}
