// A third-party server as a child process of a test: started on a free port, and watched until it accepts connections.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerProcessOptions {
  readonly program: string
  readonly args: readonly string[]
  /** Loopback ports that accept connections when the server is ready. */
  readonly ports: readonly number[]
  readonly environment?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** How long starting may take, in milliseconds; 60 seconds by default. */
  readonly startTimeoutMs?: number
  /** The signal that stops the server; `SIGTERM` by default. */
  readonly stopSignal?: NodeJS.Signals
  /** Whether the program is a script whose child is the server. A kill ends both, as a script cannot pass that signal on. */
  readonly isScript?: boolean
}

/** A running server. Up to 64 KiB of its output are kept for the error of a failed start. */
export class ServerProcess {
  readonly #options: ServerProcessOptions
  #child: ChildProcess | null = null
  #output = ''

  private constructor(options: ServerProcessOptions) {
    this.#options = options
  }

  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options)
    await server.start()
    return server
  }

  /**
   * Starts the program, also again after {@link stop} or {@link kill}. Throws with its output if it does not come up.
   */
  async start(): Promise<void> {
    const { program, args, environment, cwd, ports, startTimeoutMs = 60_000, isScript = false } = this.#options
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, which can be killed as a whole.
      detached: isScript,
    })
    this.#child = child
    const note = (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-65_536))
    child.stdout?.on('data', note)
    child.stderr?.on('data', note)
    child.on('error', error => note(Buffer.from(error.message)))
    for (const port of ports) await this.#untilListening(port, startTimeoutMs)
  }

  /** Asks the program to stop and resolves once it has exited. */
  stop(): Promise<void> {
    return this.#end(this.#options.stopSignal ?? 'SIGTERM')
  }

  /** Ends the program like a crash. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    this.#signal(child, signal)
    const timer = setTimeout(() => this.#signal(child, 'SIGKILL'), 20_000)
    await exited
    clearTimeout(timer)
  }

  #signal(child: ChildProcess, signal: NodeJS.Signals): void {
    if (this.#options.isScript === true && signal === 'SIGKILL') process.kill(-child.pid!, signal)
    else child.kill(signal)
  }

  async #untilListening(port: number, timeoutMs: number): Promise<void> {
    const pauseMs = 50
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pauseMs) {
      const child = this.#child
      const hasEnded = child === null || child.pid === undefined || child.exitCode !== null
      if (hasEnded) throw new Error(`${this.#options.program} ended during its start:\n${this.#output}`)
      if (await accepts(port)) return
      await sleep(pauseMs)
    }
    await this.kill()
    throw new Error(`${this.#options.program} does not listen on port ${port}:\n${this.#output}`)
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
