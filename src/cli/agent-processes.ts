import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import process from 'node:process'
import { hostPort, type Log, systemClock } from '../base/index.ts'
import { listen } from './listen.ts'
import { untilStopped } from './serving.ts'

const restartDelayMs = 1000

/** The message of a process of an agent when it is ready. */
export interface ProcessReady {
  readonly nodeId: number
  readonly statusAddress: string
  readonly pipelinesAddress: string | null
}

export interface ProcessesOptions {
  readonly count: number
  /** The command line of this agent, which each process gets, followed by its own ports. */
  readonly args: readonly string[]
  readonly host: string
  readonly advertisedHost: string
  /** Shared by all processes; 0 picks a free port. */
  readonly kafkaPort: number
  /** How long the processes may take to end. */
  readonly closeTimeoutMs: number
  readonly log: Log
}

/**
 * Runs an agent as several processes, each a separate agent to the cluster with its own port. All of them accept
 * clients on the shared port, to which clients connect first. A process that dies is restarted while the others
 * continue. The first one has the HTTP port and runs pipelines, which have their own threads. Resolves to the exit
 * code.
 */
export async function runProcesses(options: ProcessesOptions): Promise<number> {
  const startedAt = performance.now()
  const sharedPort = await freeSharedPort(options)
  const processes = new Processes(options, sharedPort)
  let ready: ProcessReady[]
  try {
    ready = await processes.start()
  } catch (error) {
    await processes.close()
    if (error instanceof EndedAtStart) return error.exitCode
    throw error
  }
  process.stdout.write(welcome(options, sharedPort, ready, Math.round(performance.now() - startedAt)))
  return untilStopped(() => processes.close(), options.closeTimeoutMs)
}

/** The process ended while starting; the reason is on its standard error. */
class EndedAtStart extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`a process of the agent ended with ${exitCode}`)
    this.exitCode = exitCode
  }
}

class Processes {
  readonly #options: ProcessesOptions
  readonly #sharedPort: number
  readonly #running = new Map<number, ChildProcess>()
  #isClosing = false

  constructor(options: ProcessesOptions, sharedPort: number) {
    this.#options = options
    this.#sharedPort = sharedPort
  }

  /** Resolves when all are ready. Rejects with {@link EndedAtStart} if one of them ends before that. */
  start(): Promise<ProcessReady[]> {
    return Promise.all(Array.from({ length: this.#options.count }, (_, index) => this.#startProcess(index)))
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(
      Array.from(this.#running.values(), async child => {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }),
    )
  }

  async #startProcess(index: number): Promise<ProcessReady> {
    const { args, count, kafkaPort } = this.#options
    const own = [
      '-processes=1',
      `-memoryShare=${count}`,
      `-kafkaPort=${kafkaPort === 0 ? 0 : this.#sharedPort + 1 + index}`,
    ]
    const shared = [`-sharedKafkaPort=${this.#sharedPort}`]
    const others = index === 0 ? [] : ['-httpPort=0', '-pipelinesPort=0', '-runPipelines=false']
    const child = fork(process.argv[1]!, [...args, ...own, ...shared, ...others], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Ctrl-C in a terminal reaches only this process, which then stops the others gracefully.
      detached: true,
    })
    this.#running.set(index, child)
    const ended = once(child, 'exit').then(([code]) => this.#onExit(index, code))
    const ready = await Promise.race([
      once(child, 'message').then(([message]: readonly ProcessReady[]) => message!),
      ended,
    ])
    if (typeof ready === 'number') throw new EndedAtStart(ready)
    void ended.then(() => this.#restart(index))
    return ready
  }

  #onExit(index: number, code: number | null): number {
    this.#running.delete(index)
    return code ?? 1
  }

  /**
   * Retries until it succeeds: what prevents it from starting, such as an unavailable control plane, may be temporary.
   */
  async #restart(index: number): Promise<void> {
    while (!this.#isClosing) {
      this.#options.log.error('an agent process exited and is being restarted', { process: index })
      await systemClock.sleep(restartDelayMs)
      if (this.#isClosing) return
      try {
        await this.#startProcess(index)
        return
      } catch (error) {
        if (!(error instanceof EndedAtStart)) throw error
      }
    }
  }
}

/** Checks that the port can be listened on before any process does, and determines which one it is. */
async function freeSharedPort({ host, kafkaPort }: ProcessesOptions): Promise<number> {
  const server = createServer()
  const port = await listen('kafkaPort', host, kafkaPort, async wanted => {
    server.listen({ host, port: wanted })
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : wanted
  })
  server.close()
  await once(server, 'close')
  return port
}

function welcome(
  { host, advertisedHost }: ProcessesOptions,
  sharedPort: number,
  ready: readonly ProcessReady[],
  readyMs: number,
): string {
  const [first] = ready
  return [
    `Penstock agent is ready (${readyMs} ms) on ${host} with ${ready.length} processes.`,
    '',
    `  Kafka       ${hostPort(advertisedHost, sharedPort)} (nodes ${ready.map(({ nodeId }) => nodeId).join(', ')})`,
    ...(first === undefined ? [] : [`  Agent       http://${first.statusAddress}/v1/status`]),
    ...(first?.pipelinesAddress == null ? [] : [`  Pipelines   http://${first.pipelinesAddress}`]),
    '',
    'Press Ctrl-C to stop.',
    '',
  ].join('\n')
}
