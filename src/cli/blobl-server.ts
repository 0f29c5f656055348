import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import process from 'node:process'
import { parseArgs } from 'node:util'
import {
  compileMapping,
  DELETED,
  MappingError,
  type MessageView,
  MetadataDraft,
  NOTHING,
  parseBody,
  printJson,
  utf8Bytes,
  utf8Text,
  type Value,
} from '../bloblang/index.ts'
import { systemWorld } from '../components/world.ts'
import { BLOBL_PAGE } from './blobl-page.ts'

const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const EXAMPLE_INPUT = '{"name": "penstock", "kind": "pipeline", "parts": ["gate", "pipe"], "height": 3}'
const EXAMPLE_MAPPING = `root.about = "%s is a %s of %s".format(this.name.capitalize(), this.kind, this.parts.join(" and "))
root.level = "=".repeat(this.height)`

/** `penstock blobl server`: a page to try mappings in. Serves until the process is told to stop. */
export async function runBloblServer(args: readonly string[]): Promise<number> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      host: { type: 'string', default: 'localhost' },
      port: { type: 'string', short: 'p', default: '4195' },
      'no-open': { type: 'boolean', short: 'n', default: false },
      'input-file': { type: 'string', short: 'i', default: '' },
      'mapping-file': { type: 'string', short: 'm', default: '' },
      write: { type: 'boolean', short: 'w', default: false },
    },
  })
  const read = (file: string, example: string) => (file === '' ? example : readFileSync(file, 'utf8'))
  const start = {
    input: read(flags['input-file'], EXAMPLE_INPUT),
    mapping: read(flags['mapping-file'], EXAMPLE_MAPPING),
  }
  const save = (trial: Trial) => {
    if (!flags.write) return
    if (flags['input-file'] !== '') writeFileSync(flags['input-file'], trial.input)
    if (flags['mapping-file'] !== '') writeFileSync(flags['mapping-file'], trial.mapping)
  }
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body)
    }
    if (request.method === 'POST' && request.url === '/execute') {
      readTrial(request)
        .then(trial => {
          save(trial)
          answer(200, 'application/json', JSON.stringify(execute(trial)))
        })
        .catch((error: unknown) => {
          answer(400, 'text/plain', error instanceof Error ? error.message : String(error))
        })
    } else if (request.method === 'GET' && request.url === '/') answer(200, 'text/html', BLOBL_PAGE)
    else if (request.method === 'GET' && request.url === '/start')
      answer(200, 'application/json', JSON.stringify(start))
    else answer(404, 'text/plain', 'not found')
  })
  server.listen(Number(flags.port), flags.host)
  await once(server, 'listening')
  process.stdout.write(`A page to try mappings in: http://${flags.host}:${flags.port}\n`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  server.close()
  server.closeAllConnections()
  return 0
}

interface Trial {
  readonly input: string
  readonly mapping: string
}

/** What a trial came to; one of the three is set. */
interface Outcome {
  readonly result: string | null
  readonly parse_error: string | null
  readonly mapping_error: string | null
}

async function readTrial(request: IncomingMessage): Promise<Trial> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_REQUEST_BYTES) throw new Error('the request is too large')
    chunks.push(chunk)
  }
  const { input, mapping } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Partial<Trial>
  if (typeof input !== 'string' || typeof mapping !== 'string') throw new Error('input and mapping are needed')
  return { input, mapping }
}

/** The page may be reached by others, so mappings in it see neither files nor the environment. */
function execute({ input, mapping: text }: Trial): Outcome {
  const outcome = { result: null, parse_error: null, mapping_error: null }
  const { mapping, diagnostics } = compileMapping(text, { world: systemWorld, pureOnly: true })
  if (mapping === undefined) return { ...outcome, parse_error: diagnostics.map(({ excerpt }) => excerpt).join('\n') }
  const message = new TrialMessage(input)
  try {
    const result = mapping.runCommand([message], new MetadataDraft(), false)
    return { ...outcome, result: shown(result, message) }
  } catch (error) {
    if (error instanceof MappingError) return { ...outcome, mapping_error: error.message }
    throw error
  }
}

function shown(result: Value, message: TrialMessage): string {
  if (result === DELETED) return '(deleted)'
  if (typeof result === 'string') return result
  if (result instanceof Uint8Array) return utf8Text(result)
  return printJson(result === NOTHING ? message.structured() : result, { indent: '  ' })
}

class TrialMessage implements MessageView {
  readonly metadata: ReadonlyMap<string, Value> = new Map()
  readonly error = null
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  bytes(): Uint8Array {
    return utf8Bytes(this.#text)
  }

  structured(): Value {
    return parseBody(this.#text)
  }
}
