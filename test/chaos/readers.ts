import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import type { GroupHistory, ReaderHistory, ReadRecord } from './history.ts'
import type { Recorder } from './recorder.ts'

/** How long a reader stays at one position before it seeks, in milliseconds. */
const sessionMs = [2000, 8000] as const

export interface SeekingReaderOptions {
  readonly topic: string
  readonly partition: number
  readonly seesAborted: boolean
  readonly brokers: () => readonly string[]
  readonly random: () => number
}

/** A consumer without a group (kcat), which is assigned a partition at one offset after another. */
export class SeekingReader {
  /** Errors that no fault explains. */
  readonly findings: string[] = []
  readonly #options: SeekingReaderOptions
  readonly #sessions: { partition: string; from: number; records: ReadRecord[] }[] = []
  readonly #running: Promise<void>
  readonly #stopping = new AbortController()
  #highest = 0

  constructor(options: SeekingReaderOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  get history(): ReaderHistory {
    const { topic, partition, seesAborted } = this.#options
    return { reader: `reader-${topic}-${partition}`, seesAborted, sessions: this.#sessions }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { random } = this.#options
    while (!this.#stopping.signal.aborted) {
      const from = random() < 0.5 ? this.#highest : Math.floor(random() * this.#highest)
      await this.#read(from, sessionMs[0] + random() * (sessionMs[1] - sessionMs[0]))
    }
  }

  async #read(from: number, ms: number): Promise<void> {
    const { topic, partition, seesAborted, brokers } = this.#options
    const reader = startKcat(brokers(), topic, seesAborted, ['-p', `${partition}`, '-o', `${from}`, '-u'])
    const records: ReadRecord[] = []
    const session = { partition: `${topic}/${partition}`, from, records }
    this.#sessions.push(session)
    const errors = new Set<string>()
    reader.stderr!.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (/out of range/i.test(line)) errors.add(line)
    })
    createInterface({ input: reader.stdout! }).on('line', line => {
      const record = recordIn(topic, line)
      if (!record) return
      records.push(record)
      this.#highest = Math.max(this.#highest, record.offset + 1)
    })
    const ended = once(reader, 'close')
    await Promise.race([sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined), ended])
    reader.kill('SIGTERM')
    await ended
    for (const error of errors) this.findings.push(`${session.partition} from ${from}: ${error}`)
  }
}

/** Everything in a topic, each partition in the order of offsets, up to the current end. */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  seesAborted: boolean,
): Promise<ReadRecord[]> {
  const reader = startKcat(brokers, topic, seesAborted, ['-o', 'beginning', '-e', '-q'])
  const records: ReadRecord[] = []
  createInterface({ input: reader.stdout! }).on('line', line => {
    const record = recordIn(topic, line)
    if (record) records.push(record)
  })
  reader.stderr!.resume()
  await once(reader, 'close')
  return records.toSorted((a, b) =>
    a.partition === b.partition ? a.offset - b.offset : a.partition < b.partition ? -1 : 1,
  )
}

function startKcat(
  brokers: readonly string[],
  topic: string,
  seesAborted: boolean,
  options: readonly string[],
): ChildProcess {
  const isolation = `isolation.level=${seesAborted ? 'read_uncommitted' : 'read_committed'}`
  // Otherwise a consumer whose offset is refused continues elsewhere without a word.
  const settings = ['-X', isolation, '-X', 'auto.offset.reset=error', '-X', 'reconnect.backoff.max.ms=500']
  // The end shows a line that was cut off when the process was killed.
  const format = ['-f', '%p %o %s .\n']
  const all = ['-C', '-b', brokers.join(), '-t', topic, ...options, ...settings, ...format]
  return spawn('kcat', all, { stdio: ['ignore', 'pipe', 'pipe'] })
}

function recordIn(topic: string, line: string): ReadRecord | undefined {
  const [partition, offset, value, end] = line.split(' ')
  return end === '.' ? { partition: `${topic}/${partition}`, offset: Number(offset), value: value! } : undefined
}

export interface GroupReaderOptions {
  readonly topic: string
  readonly group: string
  readonly client: () => Kafka
  readonly recorder: Recorder
}

/** A member of a group, which subscribes, reads and commits until it is stopped. */
export class GroupReader {
  readonly records: ReadRecord[] = []
  readonly #options: GroupReaderOptions
  readonly #consumer
  readonly #running: Promise<void>

  constructor(options: GroupReaderOptions) {
    this.#options = options
    const { client, group } = options
    this.#consumer = client().consumer({ groupId: group, sessionTimeout: 10_000, retry: { retries: 100 } })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    await this.#running
    await this.#consumer.disconnect()
  }

  async #run(): Promise<void> {
    const { topic, group, recorder } = this.#options
    await this.#consumer.connect()
    this.#consumer.on(this.#consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      // The client does not tell when it sent the request; what it commits only sets the mark for others.
      const times = { askedAt: Number.NEGATIVE_INFINITY, answeredAt: performance.now() }
      for (const { topic: name, partitions } of payload.topics)
        for (const { partition, offset } of partitions)
          recorder.commits.push({
            group,
            partition: `${name}/${partition}`,
            offset: Number(offset),
            ...times,
          })
    })
    await this.#consumer.subscribe({ topic, fromBeginning: true })
    await this.#consumer.run({
      autoCommitInterval: 500,
      eachMessage: async ({ partition, message }) => {
        const { offset, value } = message
        this.records.push({ partition: `${topic}/${partition}`, offset: Number(offset), value: String(value) })
      },
    })
  }
}

/** Asks for the ends of partitions and for the offsets of a group, again and again. */
export class Watcher {
  readonly #options: GroupReaderOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor(options: GroupReaderOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const admin = this.#options.client().admin()
      try {
        await admin.connect()
        while (!signal.aborted) {
          await this.#look(admin)
          await sleep(300, undefined, { signal })
        }
      } catch {
        // While agents are gone there is no answer; the next round connects to others.
        await sleep(100)
      }
      await admin.disconnect().catch(() => undefined)
    }
  }

  async #look(admin: ReturnType<Kafka['admin']>): Promise<void> {
    const { topic, group, recorder } = this.#options
    let askedAt = performance.now()
    for (const { partition, high } of await admin.fetchTopicOffsets(topic))
      recorder.ends.push({ partition: `${topic}/${partition}`, offset: Number(high), askedAt })
    askedAt = performance.now()
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    const answeredAt = performance.now()
    for (const { partition, offset } of offsets?.partitions ?? [])
      recorder.commits.push({ group, partition: `${topic}/${partition}`, offset: Number(offset), askedAt, answeredAt })
  }
}

/** What the members of a group were given, and the offsets that it has committed. */
export async function groupHistory(
  client: Kafka,
  group: string,
  topic: string,
  records: GroupHistory['records'],
): Promise<GroupHistory> {
  const admin = client.admin()
  await admin.connect()
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  await admin.disconnect()
  const committed = found!.partitions.map(({ partition, offset }) => [`${topic}/${partition}`, Number(offset)] as const)
  return { group, records, committed: new Map(committed.filter(([, offset]) => offset >= 0)) }
}
