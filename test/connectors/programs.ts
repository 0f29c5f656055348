// Streams as users run them, each in a process of the program, so that a test can kill one: the test sends messages to
// the first over HTTP, and the second sends it what its input delivers.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../e2e/support.ts'
import { freePort, portOf } from '../servers/ports.ts'
import { bodyOf } from '../servers/request-body.ts'
import type { ComponentBody } from './streams.ts'

/** Running processes, in case a test fails before it ends them. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** A stream in its own process, which can be killed and restarted. */
class Program {
  readonly #folder = mkdtempSync(join(tmpdir(), 'penstock-program-'))
  #child: ChildProcess | null = null
  #log = ''

  constructor(config: ComponentBody) {
    writeFileSync(join(this.#folder, 'config.yaml'), JSON.stringify({ http: { enabled: false }, ...config }))
  }

  start(): void {
    const child = spawn(program, ['run', 'config.yaml'], { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    children.add(child.on('exit', () => children.delete(child)))
    const note = (chunk: Buffer) => {
      this.#log += chunk.toString()
      if (process.env['PENSTOCK_TEST_LOG'] !== undefined) process.stderr.write(chunk)
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
  }

  /** Everything that its processes have logged. */
  get log(): string {
    return this.#log
  }

  /** Throws if its process has ended. */
  check(): void {
    const { exitCode, signalCode } = this.#child ?? {}
    if (typeof exitCode === 'number' || typeof signalCode === 'string') {
      throw new Error(`the program ended with ${exitCode ?? signalCode}: ${this.#log}`)
    }
  }

  /** The resident memory of its process in bytes; 0 if the system does not provide it. */
  get memoryBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
    } catch {
      return 0
    }
  }

  /** Ends its process like a crash. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A program that writes what the test sends through an output under test. */
export class SendingProgram {
  readonly #program: Program
  readonly #url: string
  #isClosed = false
  /** Number of messages that arrived, according to the program. */
  delivered = 0
  /** How often the program rejected a message. */
  refused = 0

  private constructor(program: Program, url: string) {
    this.#program = program
    this.#url = url
  }

  static async start(output: ComponentBody, more: ComponentBody = {}): Promise<SendingProgram> {
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    const program = new Program({ input: { http_server: { address, timeout: '600s' } }, output, ...more })
    program.start()
    return new SendingProgram(program, `http://${address}/post`)
  }

  get log(): string {
    return this.#program.log
  }

  get memoryBytes(): number {
    return this.#program.memoryBytes
  }

  /** Sends a message repeatedly until the program confirms it, also while the program is down. */
  async send(body: string): Promise<void> {
    while (!this.#isClosed) {
      const status = await this.#post(body)
      if (status === 200) {
        this.delivered++
        return
      }
      if (status === null) this.#program.check()
      else this.refused++
      await sleep(200)
    }
  }

  async #post(body: string): Promise<number | null> {
    try {
      const response = await fetch(this.#url, { method: 'POST', body })
      await response.arrayBuffer()
      return response.status
    } catch {
      return null
    }
  }

  async killAndStart(): Promise<void> {
    await this.#program.kill()
    this.#program.start()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#program.close()
  }
}

/** A program that passes what an input under test delivers to the test. */
export class ReceivingProgram {
  readonly #program: Program
  readonly #server: Server
  readonly #texts: ReadonlySet<string>
  #isClosed = false

  private constructor(program: Program, server: Server, texts: Set<string>) {
    this.#program = program
    this.#server = server
    this.#texts = texts
  }

  static async start(input: ComponentBody, more: ComponentBody = {}): Promise<ReceivingProgram> {
    const texts = new Set<string>()
    const server = createServer((request, response) => {
      void (async () => {
        const body = await bodyOf(request)
        // So that some messages are in flight when the program is killed, and have not arrived.
        await sleep(20)
        if (body === null || response.destroyed) return
        texts.add(body)
        response.end()
      })()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${portOf(server)}/`
    const output = { http_client: { url, verb: 'POST', batch_as_multipart: false, max_in_flight: 20 } }
    const program = new Program({ input, output, ...more })
    program.start()
    return new ReceivingProgram(program, server, texts)
  }

  get log(): string {
    return this.#program.log
  }

  get memoryBytes(): number {
    return this.#program.memoryBytes
  }

  /** Number of distinct texts that arrived. */
  get count(): number {
    return this.#texts.size
  }

  /** Resolves once all of these texts have arrived. */
  async untilArrived(wanted: readonly string[]): Promise<void> {
    while (!this.#isClosed && !wanted.every(each => this.#texts.has(each))) {
      this.#program.check()
      await sleep(20)
    }
  }

  async killAndStart(): Promise<void> {
    await this.#program.kill()
    this.#program.start()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#program.close()
    this.#server.closeAllConnections()
    await once(this.#server.close(), 'close')
  }
}
