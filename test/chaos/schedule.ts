import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../src/base/index.ts'
import type { LocalCluster } from '../servers/local-cluster.ts'
import type { S3ServerOptions } from '../servers/s3-server.ts'
import type { TcpProxy } from '../servers/tcp-proxy.ts'
import { generator } from './generator.ts'

const startAttempts = 3

type StoreFault = () => ReturnType<NonNullable<S3ServerOptions['fault']>>

/** The faults of one run, determined by its seed: in sequence, some of them overlapping. */
export class Schedule {
  /** When each fault happened. */
  readonly log: string[] = []
  /** Faults that could not be repaired: a part of the cluster did not recover, which no later fault may hide. */
  readonly findings: string[] = []
  readonly #random: () => number
  /** Separate, so that the number of requests to the store does not determine which faults come next. */
  readonly #storeRandom: () => number
  readonly #cluster: LocalCluster
  readonly #proxies: readonly TcpProxy[]
  readonly #setStoreFault: (fault: StoreFault) => void
  readonly #startedAt = performance.now()
  readonly #underWay = new Set<Promise<void>>()
  /** Agents and control planes that are currently subject to a fault. */
  readonly #busy = new Set<string>()

  constructor(
    seed: number,
    cluster: LocalCluster,
    proxies: readonly TcpProxy[],
    setStoreFault: (fault: StoreFault) => void,
  ) {
    this.#random = generator(seed)
    this.#storeRandom = generator(seed + 1_000_000_000)
    this.#cluster = cluster
    this.#proxies = proxies
    this.#setStoreFault = setStoreFault
  }

  /** Resolves when the time is over and everything has been repaired. */
  async play(seconds: number): Promise<void> {
    const endsAt = performance.now() + seconds * 1000
    const faults = [
      () => this.#killAgent(),
      () => this.#pauseAgent(),
      () => this.#stopAgent(),
      () => this.#killControlPlane(),
      () => this.#cutLinks(),
      () => this.#restartDatabase(),
      () => this.#breakStore(),
      () => this.#slowStore(),
    ]
    while (performance.now() < endsAt) {
      await sleep(this.#between(1000, 5000))
      const fault = faults[Math.floor(this.#random() * faults.length)]!
      const done = fault()
      this.#underWay.add(done)
      void done.finally(() => this.#underWay.delete(done))
    }
    await Promise.all(this.#underWay)
    await this.heal()
  }

  async heal(): Promise<void> {
    await Promise.all(this.#underWay)
    this.#setStoreFault(() => undefined)
    for (const proxy of this.#proxies) proxy.restore()
  }

  async #killAgent(): Promise<void> {
    await this.#withAgent('kill -9', async agent => {
      await agent.end('SIGKILL')
      await started(() => this.#cluster.addAgent())
    })
  }

  async #stopAgent(): Promise<void> {
    await this.#withAgent('SIGTERM', async agent => {
      const ended = agent.end('SIGTERM')
      await started(() => this.#cluster.addAgent())
      await ended
    })
  }

  async #pauseAgent(): Promise<void> {
    const ms = this.#between(1000, 25_000)
    await this.#withAgent(`SIGSTOP for ${ms} ms`, async agent => {
      agent.process.kill('SIGSTOP')
      await sleep(ms)
      agent.process.kill('SIGCONT')
    })
  }

  async #killControlPlane(): Promise<void> {
    const index = Math.floor(this.#random() * this.#cluster.controlPlanes.length)
    const downMs = this.#between(0, 5000)
    await this.#alone(`plane ${index}`, `control plane ${index}: kill -9, down for ${downMs} ms`, async () => {
      await this.#cluster.controlPlanes[index]!.end('SIGKILL')
      await sleep(downMs)
      await started(() => this.#cluster.restartControlPlane(index))
    })
  }

  async #cutLinks(): Promise<void> {
    const index = Math.floor(this.#random() * this.#proxies.length)
    const ms = this.#between(0, 8000)
    await this.#alone(`link ${index}`, `links to control plane ${index} cut for ${ms} ms`, async () => {
      this.#proxies[index]!.cut({ refuse: true })
      await sleep(ms)
      this.#proxies[index]!.restore()
    })
  }

  async #restartDatabase(): Promise<void> {
    await this.#alone('database', 'the database crashes and starts again', () => this.#cluster.restartDatabase())
  }

  async #breakStore(): Promise<void> {
    const ms = this.#between(500, 5000)
    const share = this.#random()
    const roll = this.#storeRandom
    await this.#alone('store', `the store fails for ${ms} ms`, async () => {
      this.#setStoreFault(() => {
        if (roll() > share) return undefined
        return roll() < 0.5 ? { status: 503 } : { loseAnswer: true }
      })
      await sleep(ms)
      this.#setStoreFault(() => undefined)
    })
  }

  async #slowStore(): Promise<void> {
    await this.#alone('store', 'the store takes 5 s for an answer', async () => {
      this.#setStoreFault(() => ({ delayMs: 5000 }))
      await sleep(3000)
      this.#setStoreFault(() => undefined)
    })
  }

  /** Works on one of the running agents, of which two are left alone. */
  async #withAgent(what: string, work: (agent: LocalCluster['agents'][number]) => Promise<void>): Promise<void> {
    const running = this.#cluster.agents.filter(
      ({ process }) => process.exitCode === null && process.signalCode === null,
    )
    const agent = running[Math.floor(this.#random() * running.length)]!
    await this.#alone('agent', `agent ${agent.address}: ${what}`, () => work(agent))
  }

  async #alone(part: string, what: string, work: () => Promise<void>): Promise<void> {
    if (this.#busy.has(part)) return
    this.#busy.add(part)
    this.log.push(`${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s: ${what}`)
    try {
      await work()
    } catch (error) {
      this.findings.push(`not mended: ${what}: ${messageOf(error)}`)
    } finally {
      this.#busy.delete(part)
    }
  }

  #between(low: number, high: number): number {
    return Math.floor(low + this.#random() * (high - low))
  }
}

/** Restarts a process that ends because a dependency is unavailable for too long, as an orchestrator does. */
async function started(start: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await start()
      return
    } catch (error) {
      if (attempt === startAttempts) throw error
    }
  }
}
