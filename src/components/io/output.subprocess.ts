import type { ChildProcess } from 'node:child_process'
import { type Batch, defineOutput, field, NotConnectedError, type Output, type Resources } from '../../engine/index.ts'
import { startProgram, whenEnded } from './commands.ts'
import { frame } from './frames.ts'

export default defineOutput({
  name: 'subprocess',
  categories: ['Utility'],
  summary: 'Runs a program and writes each message to it as a line.',
  description:
    "If the program ends it is restarted for the next messages. When the stream ends, the program's input is closed and the output waits for it to exit.",
  config: field.object({
    name: field.string('The program.').needs('processes'),
    args: field.string('Its arguments.').list().default([]),
    codec: field.string('How messages are delimited.').default('lines').options({ lines: 'One message per line.' }),
  }),
  examples: [
    {
      title: 'Writing to the clipboard',
      config: 'output:\n  subprocess:\n    name: xclip\n',
    },
  ],
  maxInFlight: 1,
  create: (config, resources) => new SubprocessOutput(config.name, config.args, resources),
})

class SubprocessOutput implements Output {
  readonly #name: string
  readonly #args: readonly string[]
  readonly #resources: Resources
  #child: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()

  constructor(name: string, args: readonly string[], resources: Resources) {
    this.#name = name
    this.#args = args
    this.#resources = resources
  }

  async connect(): Promise<void> {
    if (this.#child !== null) return
    const child = await startProgram(this.#resources.host.processes, this.#name, this.#args)
    this.#child = child
    child.stdin!.on('error', () => undefined)
    let errors = ''
    child.stdout!.resume()
    child.stderr!.on('data', (piece: Uint8Array) => {
      errors += Buffer.from(piece).toString('utf8')
    })
    this.#ended = whenEnded(child).then(failure => {
      const { log } = this.#resources
      log.debug('Process exited')
      if (failure !== null) log.error(`Process exited with error: ${errors === '' ? failure : errors}`)
      this.#child = null
    })
  }

  async write(batch: Batch): Promise<void> {
    for (const message of batch) {
      const child = this.#child
      if (child === null) throw new NotConnectedError()
      await new Promise<void>((resolve, reject) => {
        child.stdin!.write(frame('lines', message.bytes()), error => (error ? reject(error) : resolve()))
      })
    }
  }

  async close(): Promise<void> {
    this.#child?.stdin!.end()
    await this.#ended
  }
}
