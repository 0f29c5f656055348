import { connect } from 'node:net'
import type { Broker } from '../../../src/broker/broker.ts'
import { type Api, apis, readResponse, requestFrame } from '../../../src/kafka/index.ts'
import { MemorySocket } from './memory-socket.ts'
import type { Random } from './requests.ts'

/** Requests of these APIs may wait, for as long as they say. */
const waitingKeys: ReadonlySet<number> = new Set([apis.Fetch.key, apis.JoinGroup.key, apis.SyncGroup.key])
/** How long a connection stays open whose requests may legitimately wait, in milliseconds. */
const waitingMs = 20
/** Whoever waits longer than this waits for something that never comes. */
const stuckMs = 60_000
const markId = 0x7a7a7a7a
const mark = Buffer.concat(
  requestFrame(apis.ApiVersions, { apiVersion: 0, correlationId: markId, clientId: 'mark' }, {}),
)

export interface ExchangeResult {
  /** How many requests the broker has looked at: all of them, unless it refused one. */
  readonly frames: number
  readonly answers: number
  readonly wasRefused: boolean
  readonly findings: readonly string[]
}

/** Where the bytes of a connection go. */
export interface Line {
  write(bytes: Buffer): void
  close(): void
}

/** Opens a connection to a broker that passes on what arrives, and calls `onClose` once it is closed. */
export type OpenLine = (onBytes: (bytes: Buffer) => void, onClose: () => void) => Promise<Line>

/** A connection in this process, without a network. */
export const inMemory =
  (broker: Broker): OpenLine =>
  async (onBytes, onClose) => {
    const socket = new MemorySocket(onBytes)
    socket.once('close', onClose)
    const receiver = broker.attach(socket.asSocket())
    return {
      write: bytes => {
        if (!socket.destroyed) receiver.onBytes(bytes)
      },
      close: () => socket.destroy(),
    }
  }

export const overLoopback =
  (port: number): OpenLine =>
  (onBytes, onClose) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        resolve({ write: bytes => socket.write(bytes), close: () => socket.destroy() }),
      )
      socket.on('data', onBytes)
      // Every error is followed by 'close'; the broker resets connections that it refuses.
      socket.on('error', error => reject(error))
      socket.on('close', onClose)
    })

/**
 * Sends requests without their lengths on one connection, and one more that is sound: its answer means that all others
 * were answered, in order. Every answer must be well-formed and of the version of its request.
 */
export async function exchange(open: OpenLine, frames: readonly Buffer[], random: Random): Promise<ExchangeResult> {
  const findings: string[] = []
  const expected = frames.filter(frame => frame.length >= 8)
  let answers = 0
  let isMarked = false
  let received = Buffer.alloc(0)
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()

  const onAnswer = (answer: Buffer) => {
    if (isMarked) return void findings.push(`more answers than requests: ${answer.toString('hex')}`)
    const id = answer.readInt32BE(0)
    if (id === markId) {
      isMarked = true
      return end()
    }
    answers++
    // Requests without an answer (acks=0) are passed over.
    while (expected.length > 0 && expected[0]!.readInt32BE(4) !== id) expected.shift()
    const request = expected.shift()
    if (request === undefined) return void findings.push(`an answer to no request, or out of order: ${id}`)
    const problem = problemIn(answer, request)
    if (problem !== undefined) findings.push(`${problem}: ${request.toString('hex')}`)
  }
  const onBytes = (bytes: Buffer) => {
    received = Buffer.concat([received, bytes])
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const size = 4 + received.readInt32BE(0)
      onAnswer(received.subarray(4, size))
      received = received.subarray(size)
    }
  }

  const line = await open(onBytes, end)
  // A length that is too large makes the broker wait for the rest.
  let mayWait = frames.some(frame => frame.length < 2 || waitingKeys.has(frame.readInt16BE(0)))
  for (const frame of frames) {
    const length = random() < 0.005 ? Math.floor((random() - 0.3) * 2 ** 31) : frame.length
    if (length > frame.length) mayWait = true
    writeInPieces(line, frame, length, random)
  }
  line.write(mark)
  const isOver = await endsWithin(ended, mayWait ? waitingMs : stuckMs)
  if (!isOver && !mayWait) findings.push(`no answer: ${frames.map(frame => frame.toString('hex')).join(' ')}`)
  line.close()
  const wasRefused = isOver && !isMarked
  return { frames: wasRefused ? answers + 1 : frames.length, answers, wasRefused, findings }
}

function writeInPieces(line: Line, frame: Buffer, length: number, random: Random): void {
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(length)
  const bytes = Buffer.concat([prefix, frame])
  const cut = random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length
  line.write(bytes.subarray(0, cut))
  if (cut < bytes.length) line.write(bytes.subarray(cut))
}

/** What all APIs have in common, whatever the types of their messages. */
type AnyApi = Api<unknown, never, unknown, never>

function problemIn(answer: Buffer, request: Buffer): string | undefined {
  const key = request.readInt16BE(0)
  const version = request.readInt16BE(2)
  const api = Object.values<AnyApi>(apis).find(one => one.key === key)
  if (!api) return 'an answer to an API that does not exist'
  // A version that is too new is answered in the oldest one.
  const isServed = version >= api.minVersion && version <= api.maxVersion
  if (!isServed && api.key !== apis.ApiVersions.key) return `${api.name} v${version} was answered`
  try {
    readResponse(api, isServed ? version : 0, answer)
    return undefined
  } catch (error) {
    return `${api.name} v${version}: the answer cannot be read: ${String(error)}`
  }
}

async function endsWithin(ended: Promise<void>, ms: number): Promise<boolean> {
  const timer = Promise.withResolvers<boolean>()
  const timeout = setTimeout(() => timer.resolve(false), ms)
  const result = await Promise.race([ended.then(() => true), timer.promise])
  clearTimeout(timeout)
  return result
}
