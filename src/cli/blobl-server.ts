import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import process from 'node:process'
import { codeOf, fieldsOf, hostPort, listenOn, messageOf } from '../base/index.ts'
import { BLOBL_PAGE } from './blobl-page.ts'
import { type Trial, tryMapping } from './blobl-trial.ts'
import type { bloblServerFlags } from './commands.ts'
import type { FlagValues } from './flags.ts'

const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const EXAMPLE: Trial = {
  input: '{"name": "penstock", "kind": "pipeline", "parts": ["gate", "pipe"], "height": 3}',
  mapping: `root.about = "%s is a %s of %s".format(this.name.capitalize(), this.kind, this.parts.join(" and "))
root.level = "=".repeat(this.height)`,
}

type ServerFlags = FlagValues<typeof bloblServerFlags>

/** `penstock blobl server`: a page for trying out mappings. Serves until the process is asked to stop. */
export async function runBloblServer(flags: ServerFlags): Promise<number> {
  let page: Page
  try {
    page = new Page(flags)
  } catch (error) {
    process.stderr.write(`${String(error)}\n`)
    return 1
  }
  const server = createServer((request, response) => {
    page.answer(request, response).catch((error: unknown) => send(response, 400, 'text/plain', String(error)))
  })
  let port: number
  try {
    port = await listenOn(server, { host: flags.host, port: flags.port })
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    return 1
  }
  process.stdout.write(`A page to try mappings in: http://${hostPort(flags.host, port)}\n`)
  if (!flags['no-open']) openBrowser(`http://localhost:${port}`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  server.close()
  server.closeAllConnections()
  return 0
}

/** The content of the page and the files behind it. */
class Page {
  readonly #flags: ServerFlags
  #current: Trial

  constructor(flags: ServerFlags) {
    this.#flags = flags
    this.#current = {
      input: this.#read(flags['input-file'], EXAMPLE.input),
      mapping: this.#read(flags['mapping-file'], EXAMPLE.mapping),
    }
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${request.url}`) {
      case 'GET /':
        return send(response, 200, 'text/html', BLOBL_PAGE)
      case 'GET /start':
        return send(response, 200, 'application/json', JSON.stringify(this.#current))
      case 'POST /execute': {
        // Pages of other sites must not write files here.
        const { origin, host } = request.headers
        if (origin !== undefined && origin !== `http://${host}`) {
          return send(response, 403, 'text/plain', 'another page asked')
        }
        const trial = await readTrial(request)
        this.#keep(trial)
        return send(response, 200, 'application/json', JSON.stringify(tryMapping(trial)))
      }
      default:
        return send(response, 404, 'text/plain', 'not found')
    }
  }

  /** A file that does not exist yet starts with the example. */
  #read(path: string, example: string): string {
    if (path === '') return example
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (this.#flags.write && codeOf(error) === 'ENOENT') return example
      throw error
    }
  }

  #keep(trial: Trial): void {
    const { write, 'input-file': inputFile, 'mapping-file': mappingFile } = this.#flags
    const before = this.#current
    this.#current = trial
    if (!write) return
    if (inputFile !== '' && trial.input !== before.input) writeFileSync(inputFile, trial.input)
    if (mappingFile !== '' && trial.mapping !== before.mapping) writeFileSync(mappingFile, trial.mapping)
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body)
}

async function readTrial(request: IncomingMessage): Promise<Trial> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_REQUEST_BYTES) throw new Error('the request is too large')
    chunks.push(chunk)
  }
  const { input, mapping } = fieldsOf(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  if (typeof input !== 'string' || typeof mapping !== 'string') throw new Error('input and mapping are needed')
  return { input, mapping }
}

function openBrowser(url: string): void {
  const command = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open'
  const child = spawn(command, [url], { stdio: 'ignore', detached: true })
  // Without a desktop there is no browser to open; the address has been printed.
  child.on('error', () => undefined)
  child.unref()
}
