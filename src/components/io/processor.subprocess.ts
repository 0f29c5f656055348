import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { ChildProcess } from 'node:child_process'
import { defineProcessor, field, type Message, perMessage, type Resources } from '../../engine/index.ts'
import { startProgram } from './commands.ts'
import { frame, type FrameCodec, frameCodecs, FrameReader } from './frames.ts'

export default defineProcessor({
  name: 'subprocess',
  categories: ['Integration'],
  summary: "Passes messages to a program that keeps running, and replaces each message with the program's response.",
  description:
    'The program must respond to every message with exactly one message, without waiting for more. It is restarted when it ends. Anything it writes to standard error flags the message being processed as failed.',
  config: field.object({
    name: field.string('The program.').needs('processes').examples('cat', 'sed', 'awk'),
    args: field.string('Its arguments.').list().default([]),
    max_buffer: field.int('The maximum size of a response, in bytes.').default(65536).advanced(),
    codec_send: field
      .string('How messages are written to the program.')
      .default('lines')
      .options(frameCodecs)
      .advanced(),
    codec_recv: field.string('How its responses are read.').default('lines').options(frameCodecs).advanced(),
  }),
  examples: [
    {
      title: 'A stream editor',
      config: 'subprocess:\n  name: sed\n  args: [ -u, s/cat/dog/ ]\n',
      input: ['a cat', 'no bird'],
      output: ['a dog', 'no bird'],
    },
  ],
  async create(config, resources) {
    const talk = new Conversation(config.name, config.args, config.codec_recv, config.max_buffer, resources)
    await talk.start()
    const dialogue = new Dialogue(talk, config.codec_send, resources)
    return {
      ...perMessage(message => dialogue.answered(message)),
      waits: true,
      effects: true,
      close: () => dialogue.close(),
    }
  },
})

/** Replaces messages with the program's responses. */
class Dialogue {
  readonly #talk: Conversation
  readonly #codec: FrameCodec
  readonly #resources: Resources

  constructor(talk: Conversation, codec: FrameCodec, resources: Resources) {
    this.#talk = talk
    this.#codec = codec
    this.#resources = resources
  }

  async answered(message: Message): Promise<Message> {
    try {
      return message.withBytes(await this.#ask(message.bytes()))
    } catch (error) {
      this.#resources.log.error(`Failed to send message to subprocess: ${messageOf(error)}`)
      return this.#resources.fail(message, error)
    }
  }

  close(): void {
    this.#talk.close()
  }

  async #ask(body: Uint8Array): Promise<Uint8Array> {
    if (this.#codec !== 'lines') return await this.#talk.ask(frame(this.#codec, body))
    // A message of several lines is several requests; a trailing line break does not start another.
    const lines = Buffer.from(body).toString('latin1').split('\n')
    const answers: Uint8Array[] = []
    for (const [index, line] of lines.entries()) {
      if (index > 0) answers.push(Buffer.from('\n'))
      if (line === '' && lines.length > 1 && index === lines.length - 1) continue
      answers.push(await this.#talk.ask(frame('lines', Buffer.from(line, 'latin1'))))
    }
    return Buffer.concat(answers)
  }
}

interface Waiting {
  resolve(answer: Uint8Array): void
  reject(error: Error): void
}

/** How long to wait for more of a program's error output. */
const ERROR_MS = 1000

/** Sends one request at a time to a program, which is restarted whenever it ends. */
class Conversation {
  readonly #name: string
  readonly #args: readonly string[]
  readonly #codec: FrameCodec
  readonly #maxBytes: number
  readonly #resources: Resources
  #child: ChildProcess | null = null
  #starting: Promise<void> | null = null
  #waiting: Waiting | null = null
  #answers: Uint8Array[] = []
  #errors = ''
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(name: string, args: readonly string[], codec: FrameCodec, maxBytes: number, resources: Resources) {
    this.#name = name
    this.#args = args
    this.#codec = codec
    this.#maxBytes = maxBytes
    this.#resources = resources
  }

  start(): Promise<void> {
    this.#starting ??= this.#run().finally(() => {
      this.#starting = null
    })
    return this.#starting
  }

  /** Returns the response to a request; rejects with the program's error output, or when the program ends. */
  ask(question: Uint8Array): Promise<Uint8Array> {
    const answer = this.#turn.then(() => this.#ask(question))
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  close(): void {
    this.#closed = true
    this.#child?.kill('SIGKILL')
    this.#end(new Error('type was closed'))
  }

  async #ask(question: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) throw new Error('type was closed')
    if (this.#child === null) await this.start()
    return await new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#child?.stdin!.write(question)
      this.#settle()
    })
  }

  #settle(): void {
    const answer = this.#waiting === null || this.#errors !== '' ? undefined : this.#answers.shift()
    if (answer === undefined) return
    this.#waiting?.resolve(answer)
    this.#waiting = null
  }

  async #run(): Promise<void> {
    const child = await startProgram(this.#resources.host.processes, this.#name, this.#args)
    this.#child = child
    this.#answers = []
    this.#errors = ''
    this.#resources.log.info('Subprocess started')
    const reader = new FrameReader(this.#codec, this.#maxBytes)
    const take = (piece: Uint8Array | null) => {
      try {
        this.#answers.push(...reader.push(piece))
        this.#settle()
      } catch (error) {
        this.#resources.log.error(`Failed to read subprocess output: ${messageOf(error)}`)
        child.kill('SIGKILL')
      }
    }
    child.stdin!.on('error', () => undefined)
    child.stdout!.on('data', take).on('end', () => take(null))
    child.stderr!.on('data', (piece: Uint8Array) => this.#hear(piece))
    child.once('close', () => {
      this.#child = null
      if (!this.#closed) this.#resources.log.warn('Subprocess exited')
      this.#end(new Error(this.#errors === '' ? 'type was closed' : lastLineEnd(this.#errors)))
    })
  }

  /** Error output may arrive in pieces. */
  #hear(piece: Uint8Array): void {
    const isFirst = this.#errors === ''
    this.#errors += Buffer.from(piece).toString('utf8')
    if (!isFirst) return
    const waiting = this.#waiting
    this.#resources.clock.sleep(ERROR_MS).then(
      () => {
        if (this.#waiting === waiting && waiting !== null) this.#end(new Error(lastLineEnd(this.#errors)))
        this.#errors = ''
      },
      () => undefined,
    )
  }

  #end(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = null
  }
}

/** Joins lines of error output the way the original does. */
function lastLineEnd(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\n', '')
}
