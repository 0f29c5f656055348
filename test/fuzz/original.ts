import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { inertHost } from '../../src/bloblang/inert-host.ts'
import { tryMapping } from '../../src/cli/blobl-trial.ts'

/** How often a mapping is repeated if the results differ: some results depend on the iteration order of Go's maps. */
const REPEATS = 8
const ANSWER_MS = 30_000

/** The original's program running as a server for its mapping page; one process handles any number of mappings. */
export class Original {
  readonly #program: string
  #process: ChildProcess | null = null
  #url = ''

  constructor(program: string) {
    this.#program = program
  }

  /** Null if the results agree, or if the original's result varies or takes too long. */
  async differs(
    mapping: string,
    document: string,
  ): Promise<{ readonly ours: string; readonly original: string } | null> {
    const original = await this.#ask(mapping, document)
    if (original === null) return null
    const ours = ourAnswer(mapping, document)
    if (comparable(ours, mapping) === comparable(original, mapping)) return null
    for (let left = REPEATS; left > 0; left--) {
      if ((await this.#ask(mapping, document)) !== original) return null
    }
    return { ours, original }
  }

  async #ask(mapping: string, document: string): Promise<string | null> {
    const body = JSON.stringify({ mapping: mapping.toWellFormed(), input: document })
    if (this.#process === null) await this.#start()
    try {
      const answer = await fetch(this.#url, { method: 'POST', body, signal: AbortSignal.timeout(ANSWER_MS) })
      const { result, parse_error, mapping_error }: Readonly<Record<string, string | null>> = JSON.parse(
        await answer.text(),
      )
      return parse_error ?? mapping_error ?? result ?? ''
    } catch {
      // The original ran out of memory or time; a new process handles the next case.
      this.close()
      return null
    }
  }

  async #start(): Promise<void> {
    const port = await freePort()
    const command = 'ulimit -v 8000000; exec "$0" blobl server --no-open --port "$1"'
    this.#process = spawn('sh', ['-c', command, this.#program, String(port)], { stdio: 'ignore' })
    this.#url = `http://localhost:${port}/execute`
    for (let left = 100; left > 0; left--) {
      await wait(50)
      const answered = await fetch(this.#url, { method: 'POST', body: '{}' }).then(
        () => true,
        () => false,
      )
      if (answered) return
    }
    throw new Error('the original does not start')
  }

  close(): void {
    this.#process?.kill('SIGKILL')
    this.#process = null
  }
}

/** The original counts bytes of preceding lines as characters, so positions in non-ASCII texts are not compared. */
function comparable(answer: string, mapping: string): string {
  // eslint-disable-next-line no-control-regex
  if (!/[^\u0000-\u007f]/.test(mapping)) return answer
  const text = answer.startsWith('failed to parse') ? answer.split('\n', 1)[0]! : answer
  return text.replace(/line \d+ char \d+|\(line \d+\)/g, '')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The result of our own `blobl server` page, on a host without files. */
function ourAnswer(mapping: string, document: string): string {
  const trial = { mapping: mapping.toWellFormed(), input: document }
  const { result, parse_error, mapping_error } = tryMapping(trial, inertHost)
  return (parse_error ?? mapping_error ?? result ?? '').toWellFormed()
}
