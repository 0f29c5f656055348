import { messageOf } from '../../base/index.ts'
import {
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Input,
  Message,
  NotConnectedError,
  pause,
  type Resources,
} from '../../engine/index.ts'
import type { CommandConnection } from '../io/command-connection.ts'
import { addressField, beanstalkdConnector, priority } from './client.ts'

/** Pause in milliseconds before an empty tube is polled again. */
const pollMs = 200
/** Maximum number of jobs reserved together. */
const reserveCount = 32
/**
 * Interval in milliseconds at which reserved jobs are touched: the server counts whole seconds, and releases a job when
 * the last one begins.
 */
const touchMs = 500

export default defineInput({
  name: 'beanstalkd',
  status: 'experimental',
  categories: ['Services'],
  summary: 'Reserves jobs from the default tube of a beanstalkd server.',
  description:
    'A job is deleted once its message has been delivered, and released if that failed. Until then it is touched twice a second, so that no other consumer receives it; when the connection is lost, the server releases it.',
  config: field.object({ address: addressField }),
  needs: ['network'],
  create: ({ address }, resources) => new BeanstalkdInput(address, resources),
})

interface Job {
  readonly id: string
  readonly body: Uint8Array
}

class BeanstalkdInput implements Input {
  readonly #resources: Resources
  readonly #connect: () => Promise<CommandConnection>
  /** The unsettled jobs reserved on the current connection. */
  readonly #reserved = new Set<string>()
  #connection: CommandConnection | null = null
  #touching: NodeJS.Timeout | undefined

  constructor(address: string, resources: Resources) {
    this.#resources = resources
    this.#connect = beanstalkdConnector(address, resources)
  }

  async connect(): Promise<void> {
    this.close()
    const connection = await this.#connect()
    this.#connection = connection
    this.#touching = setInterval(() => {
      for (const id of this.#reserved) this.#tell(connection, `touch ${id}`)
    }, touchMs)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const connection = this.#connection
    if (connection === null) throw new NotConnectedError()
    for (;;) {
      if (signal.aborted) return null
      const first = await this.#reserve(connection, 1)
      const jobs = first.length === 0 ? [] : [...first, ...(await this.#reserve(connection, reserveCount - 1))]
      if (jobs.length > 0) return this.#delivery(connection, jobs)
      await pause(pollMs, signal)
    }
  }

  close(): void {
    clearInterval(this.#touching)
    this.#reserved.clear()
    this.#connection?.close()
    this.#connection = null
  }

  /** Reserves up to `count` jobs that are ready now. */
  async #reserve(connection: CommandConnection, count: number): Promise<readonly Job[]> {
    const asked = Array.from({ length: count }, () => connection.ask('reserve-with-timeout 0'))
    const answers = await Promise.all(asked).catch((cause: unknown) => {
      throw new NotConnectedError(cause)
    })
    return answers.flatMap(({ line, value }) => {
      if (value !== undefined) return [{ id: line.split(' ')[1]!, body: value }]
      // A reserved job is close to its deadline, and will be touched soon.
      if (line === 'TIMED_OUT' || line === 'DEADLINE_SOON') return []
      throw connection.unexpected(line)
    })
  }

  #delivery(connection: CommandConnection, jobs: readonly Job[]): Delivery {
    const ids = new Map(jobs.map(({ id, body }) => [Message.fromBytes(body), id]))
    for (const { id } of jobs) this.#reserved.add(id)
    return deliverEach([...ids.keys()], (settled, error) => {
      for (const message of settled) {
        const id = ids.get(message)!
        // Jobs reserved on a lost connection were released with it.
        if (connection !== this.#connection || !this.#reserved.delete(id)) continue
        this.#tell(connection, error === null ? `delete ${id}` : `release ${id} ${priority} 0`)
      }
    })
  }

  /** Sends a command whose response does not matter: if it fails, the server gives the job to a consumer again. */
  #tell(connection: CommandConnection, command: string): void {
    const { log } = this.#resources
    connection.ask(command).then(
      ({ line }) => {
        if (line === 'NOT_FOUND') log.warn(`beanstalkd: ${command}: the server gave the job to another consumer`)
      },
      (error: unknown) => log.debug(`beanstalkd: ${command}: ${messageOf(error)}`),
    )
  }
}
