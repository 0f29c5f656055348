import { messageOf, asError } from '../../base/index.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../base/index.ts'
import type { ComponentKind } from '../component.ts'
import { durationText } from '../config/duration.ts'
import { substituteEnv } from '../config/env.ts'
import type { Finding } from '../config/lint.ts'
import { type Node, parseYaml, plainValue, YamlError } from '../config/node.ts'
import type { HttpEndpoint } from '../http-host.ts'
import { patched, type StreamSet, StreamSetError, type StreamState } from './stream-set.ts'

/** The limit for the body of one request. */
const maxBodyBytes = 16 * 1024 * 1024
const resourceKinds: readonly string[] = ['cache', 'input', 'output', 'processor', 'rate_limit']

interface ApiOptions {
  readonly log: Log
  readonly env: (name: string) => string | undefined
}

/** A rejected request, with the status and body of the response. */
class Refusal extends Error {
  readonly status: number
  readonly body: string
  readonly type: string

  constructor(status: number, body: string, type = 'text/plain; charset=utf-8') {
    super(body)
    this.status = status
    this.body = body
    this.type = type
  }
}

/**
 * The REST API of streams mode, with the original's paths, methods, statuses and bodies. In addition, a patch is
 * checked like any other configuration, and an update that cannot start leaves the stream as it was.
 */
export function streamsApi(set: StreamSet, options: ApiOptions): readonly HttpEndpoint[] {
  const api = new StreamsApi(set, options)
  return [
    api.endpoint('/streams', 'GET: all streams. POST: replaces all streams by those of an object.', {
      GET: () => api.list(),
      POST: call => api.replaceAll(call),
    }),
    api.endpoint('/streams/{id}', 'POST creates, GET reads, PUT replaces, PATCH changes, DELETE removes a stream.', {
      POST: async call => set.create(call.id, await api.readStream(call)),
      GET: ({ id }) => {
        const state = set.read(id)
        return { ...summaryOf(state), config: plainValue(state.config) }
      },
      PUT: async call => set.update(call.id, await api.readStream(call)),
      PATCH: call => api.patch(call),
      DELETE: ({ id }) => set.delete(id),
    }),
    api.endpoint('/streams/{id}/stats', 'GET: the metrics of a stream.', { GET: ({ id }) => set.read(id).stats }),
    api.endpoint('/resources/{type}/{id}', 'POST: creates or replaces a resource that streams share.', {
      POST: call => api.storeResource(call),
    }),
  ]
}

interface ApiCall {
  readonly id: string
  /** The kind of a resource. */
  readonly kind: string
  /** Whether lint findings are ignored. */
  readonly isChilled: boolean
  readonly request: IncomingMessage
}

/** Resolves to the document of the response; undefined means an empty body. */
type Method = (call: ApiCall) => unknown

class StreamsApi {
  readonly #set: StreamSet
  readonly #options: ApiOptions

  constructor(set: StreamSet, options: ApiOptions) {
    this.#set = set
    this.#options = options
  }

  endpoint(path: string, description: string, methods: Readonly<Record<string, Method>>): HttpEndpoint {
    return {
      path,
      description,
      handle: async (request, response, parameters) => {
        try {
          const verb = request.method ?? ''
          const method = Object.hasOwn(methods, verb) ? methods[verb] : undefined
          if (method === undefined) throw new Refusal(400, `Error: verb not supported: ${verb}\n`)
          const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
          const isChilled = searchParams.get('chilled') === 'true'
          const call = { id: parameters.get('id') ?? '', kind: parameters.get('type') ?? '', isChilled, request }
          const document = await method(call)
          if (document === undefined) response.writeHead(200).end()
          else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
        } catch (error) {
          this.#refuse(response, refusalOf(error))
        }
      },
    }
  }

  list(): unknown {
    return Object.fromEntries(this.#set.ids.map(id => [id, summaryOf(this.#set.read(id))]))
  }

  async replaceAll(call: ApiCall): Promise<void> {
    const configs = new Map((await this.#readBody(call)).entries.map(({ key, value }) => [key.value, value]))
    const findings: string[] = []
    for (const [id, config] of configs) {
      for (const text of await this.#errorsOf(id, await this.#set.lint(config)))
        findings.push(`stream '${id}': ${text}`)
    }
    if (!call.isChilled) refuseFindings(findings)
    const existing = this.#set.ids
    const removed = existing.filter(id => !configs.has(id)).map(id => this.#set.delete(id))
    const changed = [...configs].map(([id, config]) =>
      existing.includes(id) ? this.#set.update(id, config) : this.#set.create(id, config),
    )
    const outcomes = await Promise.allSettled([...removed, ...changed])
    const failures = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [asError(outcome.reason)] : []))
    if (failures.length > 0) throw new Refusal(400, `Error: ${failures.map(({ message }) => message).join('\n')}\n`)
  }

  async readStream(call: ApiCall): Promise<Node> {
    const config = await this.#readBody(call)
    if (!call.isChilled) refuseFindings(await this.#errorsOf(call.id, await this.#set.lint(config)))
    return config
  }

  async patch(call: ApiCall): Promise<void> {
    this.#set.read(call.id)
    const changes = await this.#readBody(call)
    await this.#set.patch(call.id, async config => {
      const result = patched(config, changes)
      if (!call.isChilled) refuseFindings(await this.#errorsOf(call.id, await this.#set.lint(result)))
      return result
    })
  }

  async storeResource(call: ApiCall): Promise<void> {
    const { kind, id } = call
    if (!resourceKinds.includes(kind)) {
      const kinds = '`cache`, `input`, `output`, `processor` or `rate_limit`'
      throw new Refusal(400, `Var \`type\` must be set to one of ${kinds}\n`)
    }
    const config = await this.#readBody(call)
    // Any other kind was rejected above.
    const findings = await this.#set.lintResource(kind as ComponentKind, id, config)
    if (!call.isChilled) refuseFindings(await this.#errorsOf(id, findings))
    await this.#set.storeResource(kind as ComponentKind, id, config) // as above
  }

  /** The texts of findings that reject a configuration; the others are logged. */
  async #errorsOf(id: string, findings: readonly Finding[]): Promise<readonly string[]> {
    const text = ({ line, column, text: found }: Finding) => `(${line},${column}) ${found}`
    for (const found of findings) {
      if (found.level !== 'error') this.#options.log.warn(`Stream '${id}' config: ${text(found)}`)
    }
    return findings.filter(({ level }) => level === 'error').map(text)
  }

  async #readBody({ request, isChilled }: ApiCall): Promise<Node> {
    const { text, missing } = substituteEnv(await bodyText(request), this.#options.env)
    if (missing.length > 0 && !isChilled) {
      throw new Refusal(400, `Error: required environment variables were not set: [${missing.join(' ')}]\n`)
    }
    const node = parseYaml(text)
    if (node.kind === 'map') return node
    throw new Refusal(400, 'Error: the body has to be an object\n')
  }

  #refuse(response: ServerResponse, { status, body, type }: Refusal): void {
    if (status >= 500) this.#options.log.error(`Streams CRUD ${body.trimEnd()}`)
    response.writeHead(status, { 'content-type': type }).end(body)
  }
}

function refuseFindings(findings: readonly string[]): void {
  if (findings.length > 0) throw new Refusal(400, JSON.stringify({ lint_errors: findings }), 'application/json')
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof YamlError) return new Refusal(400, `Error: ${error.message}\n`)
  const message = messageOf(error)
  if (!(error instanceof StreamSetError)) return new Refusal(502, `Error: ${message}\n`)
  switch (error.code) {
    case 'not_found':
      return new Refusal(404, 'Stream not found\n')
    case 'exists':
      return new Refusal(400, 'Stream already exists\n')
    case 'closed':
      return new Refusal(502, `Error: ${message}\n`)
  }
}

async function bodyText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bodyBytes = 0
  for await (const chunk of request) {
    bodyBytes += chunk.length
    if (bodyBytes > maxBodyBytes) throw new Refusal(413, `Error: the body is longer than ${maxBodyBytes} bytes\n`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function summaryOf({ active, uptimeNs }: StreamState): Record<string, unknown> {
  return { active, uptime: uptimeNs / 1e9, uptime_str: durationText(uptimeNs) }
}
