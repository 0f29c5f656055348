import { asError } from '../../base/index.ts'
import type { ChildProcess } from 'node:child_process'
import {
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Input,
  Message,
  type Processes,
} from '../../engine/index.ts'
import { startProgram } from './commands.ts'
import { FrameReader } from './frames.ts'

export default defineInput({
  name: 'subprocess',
  categories: ['Utility'],
  summary: 'Runs a program and reads each line of its output as a message.',
  description: 'Lines written to standard error are logged as errors.',
  config: field.object({
    name: field.string('The program.').needs('processes').examples('cat', 'sed', 'awk'),
    args: field.string('Its arguments.').list().default([]),
    codec: field.string('How messages are delimited.').default('lines').options({ lines: 'One message per line.' }),
    restart_on_exit: field.bool('Whether the program is restarted when it ends.').default(false),
    max_buffer: field.int('The maximum length of a line, in bytes.').default(65536).advanced(),
  }),
  examples: [
    {
      title: 'Following the system log',
      config: 'input:\n  subprocess:\n    name: tail\n    args: [ -F, /var/log/syslog ]\n',
    },
  ],
  create: (config, { host }) => new SubprocessInput(config, host.processes),
})

interface Config {
  readonly name: string
  readonly args: readonly string[]
  readonly restart_on_exit: boolean
  readonly max_buffer: number
}

type Event = readonly Uint8Array[] | Error

class SubprocessInput implements Input {
  readonly #config: Config
  readonly #processes: Processes
  #child: ChildProcess | null = null
  #events: Event[] = []
  #ended = false
  #wake: () => void = () => undefined

  constructor(config: Config, processes: Processes) {
    this.#config = config
    this.#processes = processes
  }

  async connect(): Promise<void> {
    if (this.#child === null && !this.#ended) await this.#start()
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const wake = () => this.#wake()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (signal.aborted) return null
        const event = this.#events.shift()
        if (event instanceof Error) throw event
        if (event !== undefined && event.length > 0) {
          this.#resume()
          return deliverEach(event.map(body => Message.fromBytes(body)))
        }
        if (event !== undefined) continue
        if (this.#ended && !this.#config.restart_on_exit) return null
        if (this.#ended) await this.#start()
        else
          await new Promise<void>(resolve => {
            this.#wake = resolve
          })
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  close(): void {
    this.#child?.kill('SIGKILL')
  }

  async #start(): Promise<void> {
    const child = await startProgram(this.#processes, this.#config.name, this.#config.args)
    this.#child = child
    this.#ended = false
    child.stdin!.end()
    const output = new FrameReader('lines', this.#config.max_buffer)
    const errors = new FrameReader('lines', this.#config.max_buffer)
    const isolated = (add: () => void) => {
      try {
        add()
      } catch (error) {
        this.#add(asError(error))
        child.kill('SIGKILL')
      }
    }
    const takeOutput = (piece: Uint8Array | null) => isolated(() => this.#add(output.push(piece)))
    const takeErrors = (piece: Uint8Array | null) =>
      isolated(() => {
        for (const line of errors.push(piece)) this.#add(new Error(Buffer.from(line).toString('utf8')))
      })
    child.stdout!.on('data', takeOutput).on('end', () => takeOutput(null))
    child.stderr!.on('data', takeErrors).on('end', () => takeErrors(null))
    child.once('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** Pausing makes the program wait until its output is read. */
  #add(event: Event): void {
    this.#events.push(event)
    if (this.#events.length > 16) this.#child?.stdout!.pause()
    this.#wake()
  }

  #resume(): void {
    if (this.#events.length < 8) this.#child?.stdout!.resume()
  }
}
