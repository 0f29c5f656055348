import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Log, type LogFields, type LogLevel, nullLog, systemClock, systemRandom } from '../../../src/base/index.ts'
import { Broker } from '../../../src/broker/broker.ts'
import { localLogConfig } from '../../../src/broker/log/index.ts'
import { openSqliteMetadata } from '../../../src/metadata/index.ts'
import { openMemoryStore } from '../../../src/storage/index.ts'
import { generator } from '../../chaos/generator.ts'
import { exchange, inMemory, overLoopback } from './exchange.ts'
import { mutate } from './mutations.ts'
import { type FuzzedApi, fuzzedApis, pick, type Random, randomRequest, type Topics } from './requests.ts'
import { Witness } from './witness.ts'

const lanes = 24
const maxFramesTogether = 4
/** The share of requests that are sent as they are, and of connections over a socket. */
const soundShare = 0.1
const socketShare = 0.01
/** Memory that the store of one round may take; when it is full, records are refused. */
const storeBytes = 64 * 1024 * 1024

export interface FuzzOptions {
  readonly seed: number
  readonly frames: number
  /** Called after each record of the witness. */
  readonly onProgress?: (frames: number) => void
}

export interface FuzzResult {
  readonly frames: number
  readonly answers: number
  /** Connections that the broker closed because of what they sent. */
  readonly refused: number
  readonly findings: readonly string[]
}

/** Sends damaged requests of all APIs to a new broker, beside a client that checks that nothing else is affected. */
export async function fuzzBroker({ seed, frames, onProgress }: FuzzOptions): Promise<FuzzResult> {
  const findings = new Set<string>()
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const broker = await Broker.open({
    metadata,
    store: openMemoryStore({ maxBytes: storeBytes }),
    clock: systemClock,
    random: systemRandom,
    log: errorLog(finding => findings.add(finding)),
    logConfig: localLogConfig,
    port: 0,
    host: '127.0.0.1',
    config: { groupInitialRebalanceDelayMs: 0 },
  })
  const total = { frames: 0, answers: 0, refused: 0 }
  try {
    const witness = await Witness.open(broker.port, ['topic-1', 'topic-2', 'topic-3'])
    const known = await fuzzedApis()
    const lane = async (index: number) => {
      const random = generator(seed * 1000 + index)
      while (total.frames < frames) {
        const length = 1 + Math.floor(random() * maxFramesTogether)
        const requests = Array.from({ length }, () => randomFrame(known, witness.topics, random))
        const open = random() < socketShare ? overLoopback(broker.port) : inMemory(broker)
        const result = await exchange(open, requests, random)
        total.frames += result.frames
        total.answers += result.answers
        if (result.wasRefused) total.refused++
        for (const finding of result.findings) findings.add(finding)
        // Everything else has its turn as well, also if all answers were immediate.
        await nextTurn()
      }
    }
    const checking = witness.runUntil(
      () => total.frames >= frames,
      () => onProgress?.(total.frames),
    )
    await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
    for (const finding of await checking) findings.add(finding)
  } finally {
    await broker.close()
    await metadata.close()
  }
  return { ...total, findings: [...findings] }
}

function randomFrame(known: readonly FuzzedApi[], topics: Topics, random: Random): Buffer {
  const request = () => randomRequest(pick(random, known), topics, random)
  return random() < soundShare ? request() : mutate(request(), request(), random)
}

function errorLog(onError: (finding: string) => void): Log {
  const onLine = (level: LogLevel, message: string, fields?: LogFields) => {
    if (level === 'error' || level === 'fatal') onError(`${message} ${textOf(fields)}`)
  }
  // Keeps the errors, which no client may cause, and discards the rest of the log.
  const log: Log = {
    ...nullLog,
    log: onLine,
    fatal: (message, fields) => onLine('fatal', message, fields),
    error: (message, fields) => onLine('error', message, fields),
    with: () => log,
  }
  return log
}

function textOf(fields: LogFields = {}): string {
  return Object.entries(fields)
    .filter(([name]) => name !== 'connection')
    .map(([name, value]) => `${name}=${value instanceof Error ? (value.stack ?? value.message) : String(value)}`)
    .join(' ')
}
