import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, codeOf, type Log, messageOf, type Random, asError, fieldsOf } from '../base/index.ts'
import { type Database, databaseTime } from '../database/index.ts'
import type { RelayAnswer } from './agent-link.ts'
import type { ApiRequest, LogLine, RelayedName } from './api-types.ts'
import { ControlError } from './errors.ts'
import { newId } from './ids.ts'
import * as store from './store/store.ts'

const announceMs = 3000
/** A control plane that has been silent for this long is no longer asked. */
const silentMs = 10_000
/** Older questions are refused, so that a recorded one cannot be replayed for long. */
const questionLifeMs = 60_000
/** Longer than a relayed question waits for its agent. */
const answerTimeoutMs = 30_000

export const peerPath = '/api/peer'

/** A question from one control plane to another. */
export type PeerQuestion =
  | {
      readonly kind: 'relay'
      readonly clusterId: string
      readonly name: RelayedName
      readonly request: ApiRequest<RelayedName>
    }
  | { readonly kind: 'logs'; readonly clusterId: string; readonly request: LogRequest }

/** Log lines of a pipeline after a cursor; `upTo` is the newest cursor of the control plane that asks. */
export interface LogRequest {
  readonly pipelineId: string
  readonly afterCursor: number | undefined
  readonly upTo: number
  readonly limit: number
}

export interface LogAnswer {
  readonly lines: readonly LogLine[]
  /** The newest cursor of the control plane that answers. */
  readonly cursor: number
}

/** A question as sent, signed with the key that all control planes of a database share. */
interface SignedQuestion {
  readonly question: string
  readonly at: number
  readonly signature: string
}

export interface PeerPlanesOptions {
  readonly database: Database
  readonly sealingKey: Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface PlaneAddress {
  readonly id: string
  readonly url: string
}

/**
 * The other control planes on the same database. An agent is linked to one of them, and a browser may talk to another:
 * questions that only the agent's control plane can answer go from process to process and are stored nowhere.
 */
export class PeerPlanes {
  readonly #options: PeerPlanesOptions
  readonly #id: string
  #url: string | undefined
  #others: readonly PlaneAddress[] = []
  #announcedAt = Number.NEGATIVE_INFINITY

  constructor(options: PeerPlanesOptions) {
    this.#options = options
    this.#id = newId('api', options.random)
  }

  /** Whether there are other control planes. */
  get hasOthers(): boolean {
    return this.#others.length > 0
  }

  /** Publishes the address of this control plane and finds the others. */
  async join(url: string): Promise<void> {
    this.#url = url
    try {
      await this.#announce()
    } catch (error) {
      // It has not joined, so there is nothing to leave.
      this.#url = undefined
      throw error
    }
  }

  /** Announces that this control plane is alive, and finds others; called about once a second. */
  async maintain(): Promise<void> {
    if (this.#url === undefined || this.#options.clock.monotonic() - this.#announcedAt < announceMs) return
    await this.#announce()
  }

  async leave(): Promise<void> {
    if (this.#url === undefined) return
    this.#url = undefined
    await this.#options.database.transaction({ kind: 'write' }, sql => store.deletePlane(sql, this.#id))
  }

  /** Relays a question to an agent of another control plane; undefined if none of them has one. */
  async relay(question: Extract<PeerQuestion, { readonly kind: 'relay' }>): Promise<RelayAnswer | undefined> {
    // In turn, because a question that changes something must reach only one agent.
    for (const other of this.#others) {
      const answer = (await this.#ask(other, question)) as RelayAnswer | undefined // what `ControlPlane.answerPeer` returned
      if (answer !== undefined && (answer.ok || answer.error.code !== 'no_agent_available')) return answer
    }
    return undefined
  }

  /** The log lines that the other control planes have. */
  async logs(question: Extract<PeerQuestion, { readonly kind: 'logs' }>): Promise<LogAnswer[]> {
    const answers = await Promise.all(
      this.#others.map(other =>
        this.#ask(other, question).catch((error: unknown) => {
          this.#options.log.warn('log lines of another control plane are missing', { error: messageOf(error) })
          return undefined
        }),
      ),
    )
    return answers.filter(answer => answer !== undefined) as LogAnswer[] // what `ControlPlane.answerPeer` returned
  }

  /**
   * Returns the question in a request that another control plane of this database has just sent. Throws `forbidden`.
   */
  read(body: unknown): PeerQuestion {
    const { question, at, signature } = fieldsOf(body)
    if (typeof question !== 'string' || typeof at !== 'number' || typeof signature !== 'string') throw refusal()
    const expected = Buffer.from(this.#sign(question, at))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refusal()
    if (Math.abs(this.#options.clock.now() - at) > questionLifeMs) throw refusal()
    return JSON.parse(question) as PeerQuestion // as the other control plane wrote it
  }

  /**
   * The answer; undefined if the other control plane is unreachable. Rejects when it is unknown whether it answered.
   */
  async #ask({ url }: PlaneAddress, peerQuestion: PeerQuestion): Promise<unknown> {
    const question = JSON.stringify(peerQuestion)
    const at = this.#options.clock.now()
    const signed: SignedQuestion = { question, at, signature: this.#sign(question, at) }
    try {
      const response = await fetch(url + peerPath, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(signed),
        signal: AbortSignal.timeout(answerTimeoutMs),
      })
      if (!response.ok) throw new Error(`it answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
      return await response.json()
    } catch (error) {
      const { cause } = asError(error)
      if (codeOf(cause) === 'ECONNREFUSED') return undefined
      const message = `the control plane at ${url} could not be asked: ${messageOf(cause ?? error)}`
      throw new ControlError('no_agent_available', message, { cause: error })
    }
  }

  #sign(question: string, at: number): string {
    return createHmac('sha256', this.#options.sealingKey).update(`peer ${at} ${question}`).digest('hex')
  }

  async #announce(): Promise<void> {
    const { database, clock } = this.#options
    this.#announcedAt = clock.monotonic()
    const own = { id: this.#id, url: this.#url! } // set by `join` before the first call
    this.#others = await database.transaction({ kind: 'write', durable: false }, async sql => {
      const now = await databaseTime(database, sql)
      await store.upsertPlane(sql, own, now, now - silentMs)
      return (await store.listPlanes(sql)).filter(({ id }) => id !== own.id)
    })
  }
}

function refusal(): ControlError {
  return new ControlError('forbidden', 'only control planes of the same database may ask this')
}
