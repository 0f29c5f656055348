// A test server that speaks the protocol of SQL Server, TDS 7.4, as [MS-TDS] documents it, and keeps its data in
// SQLite. It knows what clients need for statements with arguments; its types are those declared for the columns.
import { createServer, type Server, type Socket } from 'node:net'
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { IssuedCertificate } from './certificates.ts'
import { messageOf } from '../../src/base/index.ts'
import { listen } from './ports.ts'
import { ScratchDatabase } from './scratch-database.ts'

export interface TdsServerOptions {
  readonly user?: string
  readonly password?: string
  /** For encrypted connections, which are refused without it. */
  readonly certificate?: IssuedCertificate
}

export class TdsServer {
  readonly database = new ScratchDatabase()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** The statements that clients sent. */
  readonly statements: string[] = []
  /** The names of the programs that signed in. */
  readonly programs: string[] = []
  port = 0

  private constructor(options: TdsServerOptions) {
    this.#server = createServer(socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      new Client(socket, this, options)
    })
  }

  static async start(options: TdsServerOptions = {}): Promise<TdsServer> {
    const server = new TdsServer(options)
    server.port = await listen(server.#server)
    return server
  }

  get connections(): number {
    return this.#sockets.size
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
    this.database.close()
  }
}

const PACKET = { batch: 1, rpc: 3, answer: 4, attention: 6, login: 16, prelogin: 18 } as const
const HEADER_BYTES = 8
const END_OF_MESSAGE = 1
const MOST_PAYLOAD = 4000

/** Messages of one connection, encrypted or not. */
class Client {
  readonly #server: TdsServer
  readonly #options: TdsServerOptions
  readonly #database: DatabaseSync
  #output: Duplex
  #input: Buffer = Buffer.alloc(0)
  #message: Buffer[] = []
  #tunnel: TlsTunnel | null = null

  constructor(socket: Socket, server: TdsServer, options: TdsServerOptions) {
    this.#server = server
    this.#options = options
    this.#output = socket
    this.#database = server.database.connect()
    socket.on('data', (data: Buffer) => {
      if (this.#tunnel === null) this.#receive(data)
      else this.#tunnel.receive(data)
    })
    socket.on('error', () => undefined) // of a client that gave up
    socket.on('close', () => this.#database.close())
  }

  #receive(data: Buffer): void {
    this.#input = Buffer.concat([this.#input, data])
    while (this.#input.length >= HEADER_BYTES) {
      const length = this.#input.readUInt16BE(2)
      if (this.#input.length < length) return
      const [type, status] = [this.#input[0]!, this.#input[1]!]
      this.#message.push(this.#input.subarray(HEADER_BYTES, length))
      this.#input = this.#input.subarray(length)
      if ((status & END_OF_MESSAGE) === 0) continue
      const message = Buffer.concat(this.#message)
      this.#message = []
      this.#answer(type, message)
    }
  }

  #answer(type: number, message: Buffer): void {
    switch (type) {
      case PACKET.prelogin:
        return this.#prelogin(message)
      case PACKET.login:
        return this.#login(message)
      case PACKET.batch:
        return this.#run(afterHeaders(message).toString('utf16le'), {})
      case PACKET.rpc:
        return this.#call(new Reader(afterHeaders(message)))
      case PACKET.attention:
        return this.#send([done(0x20, 0)])
      default:
        this.#output.destroy(new Error(`the test server does not know packets of type ${type}`))
    }
  }

  #send(tokens: readonly Buffer[]): void {
    if (this.#output.destroyed) return
    this.#output.write(packets(PACKET.answer, Buffer.concat(tokens)))
  }

  /** Encryption is off (0), on (1), not supported (2) or required (3). */
  #prelogin(message: Buffer): void {
    const wanted = optionOf(message, 1)?.[0] ?? 2
    const { certificate } = this.#options
    const encrypts = certificate !== undefined && wanted !== 2
    this.#send([preloginAnswer(encrypts ? 1 : 2)])
    if (!encrypts) return
    this.#tunnel = new TlsTunnel(this.#output, certificate)
    this.#output = this.#tunnel.clear
    this.#output.on('data', (data: Buffer) => this.#receive(data))
    this.#output.on('error', () => undefined) // of a client that refuses the certificate
  }

  #login(message: Buffer): void {
    const text = (at: number) => {
      const [offset, length] = [message.readUInt16LE(at), message.readUInt16LE(at + 2)]
      return message.subarray(offset, offset + length * 2)
    }
    const user = text(40).toString('utf16le')
    const scrambled = Buffer.from(text(44))
    const password = scrambled.map(byte => swapNibbles(byte ^ 0xa5))
    const { user: expected = 'sa', password: secret = '' } = this.#options
    if (user !== expected || Buffer.from(password).toString('utf16le') !== secret) {
      return this.#send([error(18456, 14, `Login failed for user '${user}'.`), done(2, 0)])
    }
    this.#server.programs.push(text(48).toString('utf16le'))
    this.#send([environment(1, text(68).toString('utf16le') || 'master', 'master'), loginAcknowledged(), done(0, 0)])
  }

  /** `sp_executesql` with a statement, the declarations of its parameters, and these. */
  #call(reader: Reader): void {
    const length = reader.uint16()
    const name = length === 0xffff ? reader.uint16() : reader.text(length)
    reader.uint16()
    if (name !== 10 && name !== 'sp_executesql') {
      return this.#send([error(2812, 16, `Could not find stored procedure '${name}'.`), done(2, 0)])
    }
    const [statement, , ...rest] = reader.parameters()
    const values = Object.fromEntries(rest.map(({ name, value }) => [name.slice(1), value]))
    this.#run(String(statement!.value), values, 0xfe)
  }

  #run(statement: string, values: Readonly<Record<string, SQLInputValue>>, end: 0xfd | 0xfe = 0xfd): void {
    this.#server.statements.push(statement)
    try {
      this.#send([...this.#results(statement, values), done(0x10, 0, end)])
    } catch (failure) {
      this.#send([errorOf(messageOf(failure)), done(2, 0, end)])
    }
  }

  #results(statement: string, values: Readonly<Record<string, SQLInputValue>>): readonly Buffer[] {
    if (statement.startsWith('IF @@TRANCOUNT > 0 ROLLBACK')) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return []
    }
    const prepared = this.#database.prepare(statement)
    const columns = prepared.columns()
    if (columns.length === 0) {
      prepared.run(values)
      return []
    }
    const rows = prepared.all(values)
    const types = columns.map(({ name, type }) =>
      typeOf(
        type ?? '',
        rows.map(row => row[name] ?? null),
      ),
    )
    return [
      columnMetadata(columns.map(({ name }, at) => ({ name, type: types[at]! }))),
      ...rows.map(row =>
        Buffer.concat([Buffer.of(0xd1), ...columns.map(({ name }, at) => types[at]!.encode(row[name] ?? null))]),
      ),
    ]
  }
}

/** TLS whose handshake travels inside packets, and whose data does not. */
class TlsTunnel {
  readonly clear: TLSSocket
  readonly #inner: Duplex
  readonly #outside: Duplex
  #isHandshake = true
  #pending: Buffer = Buffer.alloc(0)
  #flight: Buffer[] = []

  constructor(outside: Duplex, { cert, key }: IssuedCertificate) {
    this.#outside = outside
    this.#inner = new Duplex({
      read: () => undefined,
      write: (data: Buffer, _encoding, written) => {
        this.#write(data)
        written()
      },
    })
    this.clear = new TLSSocket(this.#inner, { isServer: true, cert, key, maxVersion: 'TLSv1.2' })
  }

  receive(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data])
    while (this.#isHandshake && this.#pending.length >= HEADER_BYTES) {
      // A client that has finished the handshake sends TLS records, which never begin with the type of a packet.
      if (this.#pending[0] !== PACKET.prelogin) {
        this.#isHandshake = false
        break
      }
      const length = this.#pending.readUInt16BE(2)
      if (this.#pending.length < length) return
      this.#inner.push(this.#pending.subarray(HEADER_BYTES, length))
      this.#pending = this.#pending.subarray(length)
    }
    if (this.#isHandshake) return
    this.#inner.push(this.#pending)
    this.#pending = Buffer.alloc(0)
  }

  #write(data: Buffer): void {
    if (!this.#isHandshake) {
      this.#outside.write(data)
      return
    }
    // All messages of one step of the handshake belong into one packet.
    if (this.#flight.push(data) > 1) return
    setImmediate(() => {
      this.#outside.write(packets(PACKET.prelogin, Buffer.concat(this.#flight.splice(0))))
    })
  }
}

function swapNibbles(byte: number): number {
  return ((byte << 4) & 0xf0) | (byte >> 4)
}

/** A message without its `ALL_HEADERS`. */
function afterHeaders(message: Buffer): Buffer {
  return message.subarray(message.readUInt32LE(0))
}

function packets(type: number, payload: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at === 0 || at < payload.length; at += MOST_PAYLOAD) {
    const part = payload.subarray(at, at + MOST_PAYLOAD)
    const isLast = at + MOST_PAYLOAD >= payload.length
    const header = Buffer.from([type, isLast ? END_OF_MESSAGE : 0, 0, 0, 0, 0, 1, 0])
    header.writeUInt16BE(part.length + HEADER_BYTES, 2)
    parts.push(header, part)
  }
  return Buffer.concat(parts)
}

function optionOf(message: Buffer, token: number): Buffer | undefined {
  for (let at = 0; message[at] !== 0xff; at += 5) {
    if (message[at] !== token) continue
    const start = message.readUInt16BE(at + 1)
    return message.subarray(start, start + message.readUInt16BE(at + 3))
  }
  return undefined
}

function preloginAnswer(encryption: number): Buffer {
  const values = [
    Buffer.from([16, 0, 0x10, 0, 0, 0]),
    Buffer.of(encryption),
    Buffer.of(0),
    Buffer.alloc(0),
    Buffer.of(0),
  ]
  let start = values.length * 5 + 1
  const entries = values.map((value, token) => {
    const entry = Buffer.from([token, 0, 0, 0, 0])
    entry.writeUInt16BE(start, 1)
    entry.writeUInt16BE(value.length, 3)
    start += value.length
    return entry
  })
  return Buffer.concat([...entries, Buffer.of(0xff), ...values])
}

function token(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(type), uint16(body.length), body])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** A text with its length in characters in one byte, or two. */
function shortText(text: string, lengthOf: (size: number) => Buffer = size => Buffer.of(size)): Buffer {
  return Buffer.concat([lengthOf(text.length), Buffer.from(text, 'utf16le')])
}

function environment(type: number, value: string, previous: string): Buffer {
  return token(0xe3, Buffer.of(type), shortText(value), shortText(previous))
}

function loginAcknowledged(): Buffer {
  const version = Buffer.from([0x74, 0, 0, 4])
  return token(0xad, Buffer.of(1), version, shortText('Microsoft SQL Server'), Buffer.from([16, 0, 0x10, 0]))
}

function error(number: number, severity: number, text: string): Buffer {
  const names = [shortText('test'), shortText('')]
  return token(0xaa, uint32(number), Buffer.of(1, severity), shortText(text, uint16), ...names, uint32(1))
}

function done(status: number, rows: number, type: 0xfd | 0xfe = 0xfd): Buffer {
  return Buffer.concat([Buffer.of(type), uint16(status), uint16(0), uint32(rows), uint32(0)])
}

/** An error of SQLite with the number and words of SQL Server. */
function errorOf(message: string): Buffer {
  const [, table] = /no such table: (\S+)/.exec(message) ?? []
  if (table !== undefined) return error(208, 16, `Invalid object name '${table}'.`)
  const [, column = '', name = ''] = /UNIQUE constraint failed: (\w+)\.(\w+)/.exec(message) ?? []
  if (column !== '') {
    return error(
      2627,
      14,
      `Violation of PRIMARY KEY constraint 'PK_${name}'. Cannot insert duplicate key in object 'dbo.${column}'.`,
    )
  }
  if (message.startsWith('NOT NULL')) return error(515, 16, `Cannot insert the value NULL: ${message}`)
  if (message.startsWith('CHECK'))
    return error(547, 16, `The INSERT statement conflicted with the CHECK constraint: ${message}`)
  return error(102, 15, `Incorrect syntax: ${message}`)
}

interface Type {
  readonly info: Buffer
  encode(value: SQLOutputValue): Buffer
}

function columnMetadata(columns: readonly { readonly name: string; readonly type: Type }[]): Buffer {
  const entries = columns.map(({ name, type }) => Buffer.concat([uint32(0), uint16(9), type.info, shortText(name)]))
  return Buffer.concat([Buffer.of(0x81), uint16(columns.length), ...entries])
}

const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0, 0x34])
const NULL = Buffer.of(0)

/**
 * How a column is sent: by its declared type, otherwise by the first of its values. `DECIMAL TEXT(38, 10)` and
 * `MONEY TEXT` keep SQLite from storing the numbers as floating-point numbers.
 */
function typeOf(declared: string, values: readonly SQLOutputValue[]): Type {
  const [, name = '', size = '0', scale = '0'] =
    /^(\w*)(?: TEXT)?(?:\((\d+)(?:,\s*(\d+))?\))?/.exec(declared.toUpperCase()) ?? []
  switch (name) {
    case 'DECIMAL':
      return decimalType(Number(size), Number(scale))
    case 'MONEY':
      return sized(Buffer.of(0x6e, 8), value => moneyOf(String(value)))
    case 'BIT':
      return sized(Buffer.of(0x68, 1), value => Buffer.of(Number(value)))
    case 'INT':
      return sized(Buffer.of(0x26, 4), value => uint32(Number(value) >>> 0))
    case 'REAL':
      return sized(Buffer.of(0x6d, 8), doubleOf)
    case 'DATETIMEOFFSET':
      return sized(Buffer.of(0x2b, 7), value => timeOf(String(value), true))
    case 'DATETIME2':
      return sized(Buffer.of(0x2a, 7), value => timeOf(String(value), false))
    case 'DATE':
      return sized(Buffer.of(0x28), value => timeOf(String(value), false).subarray(5))
    case 'TIME':
      return sized(Buffer.of(0x29, 7), value => timeOf(`0001-01-01T${String(value)}Z`, false).subarray(0, 5))
    case 'UNIQUEIDENTIFIER':
      return sized(Buffer.of(0x24, 16), guidOf)
  }
  const sample = values.find(value => value !== null)
  if (typeof sample === 'bigint') return sized(Buffer.of(0x26, 8), value => int64(BigInt(String(value))))
  if (typeof sample === 'number') return sized(Buffer.of(0x6d, 8), doubleOf)
  if (sample instanceof Uint8Array) return longType(Buffer.concat([Buffer.of(0xa5), uint16(0xffff)]), bytesOf)
  const info = Buffer.concat([Buffer.of(0xe7), uint16(0xffff), COLLATION])
  return longType(info, value => Buffer.from(String(value), 'utf16le'))
}

/** A type whose values have their length in one byte in front. */
function sized(info: Buffer, encode: (value: SQLOutputValue) => Buffer): Type {
  return {
    info,
    encode(value) {
      if (value === null) return NULL
      const bytes = encode(value)
      return Buffer.concat([Buffer.of(bytes.length), bytes])
    },
  }
}

/** A type whose values are sent in chunks. */
function longType(info: Buffer, encode: (value: SQLOutputValue) => Buffer): Type {
  return {
    info,
    encode(value) {
      if (value === null) return Buffer.alloc(8, 0xff)
      const bytes = encode(value)
      const total = int64(BigInt(bytes.length))
      const chunk = bytes.length === 0 ? [] : [uint32(bytes.length), bytes]
      return Buffer.concat([total, ...chunk, uint32(0)])
    },
  }
}

function bytesOf(value: SQLOutputValue): Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}

function doubleOf(value: SQLOutputValue): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(Number(value))
  return bytes
}

/** The digits of a number with `scale` decimals. */
function unscaled(text: string, scale: number): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(`${whole}${fraction.padEnd(scale, '0')}`)
}

function decimalType(precision: number, scale: number): Type {
  return sized(Buffer.of(0x6a, 17, precision, scale), value => {
    const size = unscaled(String(value), scale)
    const magnitude = size < 0n ? -size : size
    const words = [0n, 64n].map(shift => int64(BigInt.asIntN(64, magnitude >> shift)))
    return Buffer.concat([Buffer.of(size < 0n ? 0 : 1), ...words])
  })
}

function moneyOf(text: string): Buffer {
  const size = unscaled(text, 4)
  return Buffer.concat([uint32(Number((size >> 32n) & 0xffffffffn)), uint32(Number(size & 0xffffffffn))])
}

function guidOf(value: SQLOutputValue): Buffer {
  const bytes = Buffer.from(String(value).replaceAll('-', ''), 'hex')
  return Buffer.concat([
    bytes.subarray(0, 4).reverse(),
    bytes.subarray(4, 6).reverse(),
    bytes.subarray(6, 8).reverse(),
    bytes.subarray(8),
  ])
}

/** A time with seven decimals: the time of day in five bytes, the day in three, and the offset in two. */
function timeOf(text: string, hasOffset: boolean): Buffer {
  const [, date = '', clock = '00:00:00', fraction = '', zone = 'Z'] =
    /^(\d+-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d))?(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  const seconds = BigInt(Date.parse(`${date}T${clock}${zone}`)) / 1000n + 62_135_596_800n
  const ticks = (seconds % 86_400n) * 10_000_000n + BigInt(fraction.padEnd(7, '0'))
  const bytes = Buffer.alloc(10)
  bytes.writeUIntLE(Number(ticks), 0, 5)
  bytes.writeUIntLE(Number(seconds / 86_400n), 5, 3)
  const [hours = 0, minutes = 0] = zone === 'Z' ? [] : zone.split(':').map(Number)
  bytes.writeInt16LE(hours * 60 + Math.sign(hours) * minutes, 8)
  return hasOffset ? bytes : bytes.subarray(0, 8)
}

/** Reads the parameters of a call. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  uint16(): number {
    return this.#take(2).readUInt16LE(0)
  }

  text(characters: number): string {
    return this.#take(characters * 2).toString('utf16le')
  }

  parameters(): readonly { readonly name: string; readonly value: SQLInputValue }[] {
    const found: { name: string; value: SQLInputValue }[] = []
    while (this.#at < this.#bytes.length) {
      const name = this.text(this.#byte())
      this.#byte()
      found.push({ name, value: this.#value() })
    }
    return found
  }

  #byte(): number {
    return this.#take(1)[0]!
  }

  #take(size: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + size)
    this.#at += size
    return bytes
  }

  #value(): SQLInputValue {
    const type = this.#byte()
    switch (type) {
      case 0x1f:
        return null
      case 0x26: {
        this.#byte()
        const bytes = this.#take(this.#byte())
        return bytes.length === 0
          ? null
          : bytes.length === 8
            ? bytes.readBigInt64LE(0)
            : bytes.readIntLE(0, bytes.length)
      }
      case 0x68: {
        this.#byte()
        return this.#take(this.#byte())[0] ?? null
      }
      case 0x6d: {
        this.#byte()
        const bytes = this.#take(this.#byte())
        return bytes.length === 0 ? null : bytes.length === 8 ? bytes.readDoubleLE(0) : bytes.readFloatLE(0)
      }
      case 0x2b: {
        this.#byte()
        const bytes = this.#take(this.#byte())
        return bytes.length === 0 ? null : timeText(bytes)
      }
      case 0xe7:
      case 0xa5: {
        const most = this.uint16()
        if (type === 0xe7) this.#take(COLLATION.length)
        const bytes = most === 0xffff ? this.#chunks() : this.#short()
        return bytes === null ? null : type === 0xe7 ? bytes.toString('utf16le') : bytes
      }
      default:
        throw new Error(`the test server does not know the type ${type}`)
    }
  }

  #short(): Buffer | null {
    const length = this.uint16()
    return length === 0xffff ? null : this.#take(length)
  }

  #chunks(): Buffer | null {
    if (this.#take(8).readBigInt64LE(0) === -1n) return null
    const parts: Buffer[] = []
    for (;;) {
      const length = this.#take(4).readUInt32LE(0)
      if (length === 0) return Buffer.concat(parts)
      parts.push(this.#take(length))
    }
  }
}

function timeText(bytes: Buffer): string {
  const ticks = bytes.readUIntLE(0, 5)
  const millis = (bytes.readUIntLE(5, 3) - 719_162) * 86_400_000 + Math.floor(ticks / 10_000)
  return `${new Date(millis).toISOString().slice(0, -1)}${String((ticks % 10_000) + 10_000).slice(1)}Z`
}
