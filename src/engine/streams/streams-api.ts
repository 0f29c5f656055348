import { messageOf } from '../../base/index.ts'
import { printJson, type Value } from '../../bloblang/index.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../base/index.ts'
import type { ComponentKind } from '../component.ts'
import { durationText } from '../config/duration.ts'
import { substituteEnv } from '../config/env.ts'
import type { Finding } from '../config/lint.ts'
import { type Node, parseYaml, plainValue, YamlError } from '../config/node.ts'
import type { HttpEndpoint } from '../http-host.ts'
import { answerError, bodyText, BodyTooLongError } from '../http-messages.ts'
import { patched, type StreamSet, StreamSetError, type StreamState } from './stream-set.ts'

const resourceKinds: readonly string[] = ['cache', 'input', 'output', 'processor', 'rate_limit']

interface ApiOptions {
  readonly log: Log
  readonly env: (name: string) => string | undefined
}

/** A rejected request, with the status and text of the response. */
class Refusal extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

/** A configuration rejected because of its findings. */
class FindingsRefusal extends Error {
  readonly findings: readonly string[]

  constructor(findings: readonly string[]) {
    super(findings.join('\n'))
    this.findings = findings
  }
}

/**
 * The REST API of streams mode, with the original's paths, methods, statuses and bodies. In addition, a patch is
 * checked like any other configuration, and an update that cannot start leaves the stream as it was.
 */
export function streamsApi(set: StreamSet, options: ApiOptions): readonly HttpEndpoint[] {
  const api = new StreamsApi(set, options)
  return [
    api.endpoint(
      '/streams',
      'GET lists all streams, POST replaces all streams with those of an object.',
      {
        GET: () => api.list(),
        POST: call => api.replaceAll(call),
      },
      () => 'method not supported',
    ),
    api.endpoint('/streams/{id}', 'POST creates, GET reads, PUT replaces, PATCH changes, DELETE removes a stream.', {
      POST: async call => set.create(call.id, await api.readStream(call)),
      GET: ({ id }) => api.read(id),
      PUT: async call => set.update(call.id, await api.readStream(call)),
      PATCH: call => api.patch(call),
      DELETE: ({ id }) => set.delete(id),
    }),
    api.endpoint('/streams/{id}/stats', 'GET returns the metrics of a stream.', {
      GET: ({ id }) => JSON.stringify(set.read(id).stats),
    }),
    api.endpoint('/resources/{type}/{id}', 'POST creates or replaces a shared resource.', {
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

/** Resolves to the text of the response, which is JSON; undefined means an empty body. */
type Method = (call: ApiCall) => string | void | Promise<void>

class StreamsApi {
  readonly #set: StreamSet
  readonly #options: ApiOptions

  constructor(set: StreamSet, options: ApiOptions) {
    this.#set = set
    this.#options = options
  }

  /** `refusal` says that the endpoint does not have a method. */
  endpoint(
    path: string,
    description: string,
    methods: Readonly<Record<string, Method>>,
    refusal = (verb: string) => `verb not supported: ${verb}`,
  ): HttpEndpoint {
    return {
      path,
      description,
      handle: async (request, response, parameters) => {
        try {
          const verb = request.method ?? ''
          const method = Object.hasOwn(methods, verb) ? methods[verb] : undefined
          if (method === undefined) throw new Refusal(400, `Error: ${refusal(verb)}`)
          const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
          const isChilled = searchParams.get('chilled') === 'true'
          const call = { id: parameters.get('id') ?? '', kind: parameters.get('type') ?? '', isChilled, request }
          const document = await method(call)
          if (document === undefined) response.writeHead(200).end()
          else response.writeHead(200, { 'content-type': 'application/json' }).end(document)
        } catch (error) {
          this.#refuse(response, error)
        }
      },
    }
  }

  list(): string {
    return JSON.stringify(Object.fromEntries(this.#set.ids.map(id => [id, summaryOf(this.#set.read(id))])))
  }

  read(id: string): string {
    const state = this.#set.read(id)
    const summary = JSON.stringify(summaryOf(state)).slice(0, -1)
    const config = plainValue(state.config) as Value // what YAML holds is a JSON value
    return `${summary},"config":${printJson(config, { escapeHtml: true })}}`
  }

  async replaceAll(call: ApiCall): Promise<void> {
    const body = await this.#readBody(call)
    if (body.kind !== 'map' && body.tag !== '!!null') {
      const written = body.kind === 'scalar' ? ` \`${body.value}\`` : ''
      const text = `line ${body.line}: cannot unmarshal ${body.tag}${written} into map[string]yaml.Node`
      throw new Refusal(400, `Error: yaml: unmarshal errors:\n  ${text}`)
    }
    const configs = new Map(body.entries.map(({ key, value }) => [key.value, value]))
    const checks = await Promise.all(
      [...configs].map(async ([id, config]) => ({ id, ...(await this.#set.check(config)) })),
    )
    if (!call.isChilled) {
      refuseFindings(
        checks.flatMap(({ id, findings }) => this.#errorsOf(id, findings).map(text => `stream '${id}': ${text}`)),
      )
    }
    for (const { failure } of checks) refuseFailure(failure)
    const existing = this.#set.ids
    const removed = existing.filter(id => !configs.has(id)).map(id => named('delete', this.#set.delete(id)))
    const changed = [...configs].map(([id, config]) =>
      existing.includes(id)
        ? named('update', this.#set.update(id, config))
        : named('create', this.#set.create(id, config)),
    )
    const outcomes = await Promise.allSettled([...removed, ...changed])
    const failures = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [messageOf(outcome.reason)] : []))
    if (failures.length > 0) throw new Refusal(400, `Error: ${failures.join('\n')}`)
  }

  async readStream(call: ApiCall): Promise<Node> {
    const config = await this.#readBody(call)
    await this.#refuseStream(config, call)
    return config
  }

  async patch(call: ApiCall): Promise<void> {
    this.#set.read(call.id)
    const changes = await this.#readBody(call)
    await this.#set.patch(call.id, async config => {
      const result = patched(config, changes)
      await this.#refuseStream(result, call)
      return result
    })
  }

  async storeResource(call: ApiCall): Promise<void> {
    const { id } = call
    if (!resourceKinds.includes(call.kind)) {
      throw new Refusal(400, 'Var `type` must be set to one of `cache`, `input`, `output`, `processor` or `rate_limit`')
    }
    const kind = call.kind as ComponentKind // any other was rejected above
    const config = await this.#readBody(call)
    const { findings, failure } = await this.#set.checkResource(kind, config)
    // Unlike a stream, a resource is rejected for warnings as well.
    const decisive = findings.filter(({ kind }) => kind !== 'ineffective')
    if (!call.isChilled) refuseFindings(decisive.map(placed))
    refuseFailure(failure)
    await this.#set.storeResource(kind, id, config)
  }

  async #refuseStream(config: Node, { id, isChilled }: ApiCall): Promise<void> {
    const { findings, failure } = await this.#set.check(config)
    refuseFailure(failure)
    if (!isChilled) refuseFindings(this.#errorsOf(id, findings))
  }

  /** The texts of findings that reject a configuration; the others are logged. */
  #errorsOf(id: string, findings: readonly Finding[]): readonly string[] {
    for (const found of findings) {
      if (found.level !== 'error') this.#options.log.warn(`Stream '${id}' config: ${placed(found)}`)
    }
    return findings.filter(({ level }) => level === 'error').map(placed)
  }

  async #readBody({ request, isChilled }: ApiCall): Promise<Node> {
    const { text, missing } = substituteEnv(await bodyText(request), this.#options.env)
    if (missing.length > 0 && !isChilled) {
      throw new Refusal(400, `Error: required environment variables were not set: [${missing.join(' ')}]`)
    }
    return parseYaml(text)
  }

  #refuse(response: ServerResponse, error: unknown): void {
    if (error instanceof FindingsRefusal) {
      const body = printJson({ lint_errors: [...error.findings] }, { escapeHtml: true })
      response.writeHead(400, { 'content-type': 'application/json' }).end(body)
      return
    }
    const { status, message } = refusalOf(error)
    if (status >= 500) this.#options.log.error(`Streams CRUD ${message}`)
    answerError(response, status, message)
  }
}

/** Formats a finding: `(line,column) text`. */
const placed = ({ line, column, text }: Finding) => `(${line},${column}) ${text}`

function refuseFindings(findings: readonly string[]): void {
  if (findings.length > 0) throw new FindingsRefusal(findings)
}

function refuseFailure(failure: Finding | undefined): void {
  if (failure === undefined) return
  throw new Refusal(400, `Error: ${failure.kind === 'failed_read' ? failure.text : placed(failure)}`)
}

/** Adds the name of the failed action to the error of `change`. */
async function named(action: 'create' | 'update' | 'delete', change: Promise<void>): Promise<void> {
  try {
    await change
  } catch (error) {
    throw new Error(`failed to ${action} stream: ${messageOf(error)}`, { cause: error })
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof YamlError) return new Refusal(400, `Error: ${error.message}`)
  if (error instanceof BodyTooLongError) return new Refusal(413, `Error: ${error.message}`)
  const message = messageOf(error)
  if (!(error instanceof StreamSetError)) return new Refusal(502, `Error: ${message}`)
  switch (error.code) {
    case 'not_found':
      return new Refusal(404, 'Stream not found')
    case 'exists':
      return new Refusal(400, 'Stream already exists')
    case 'closed':
      return new Refusal(502, `Error: ${message}`)
  }
}

function summaryOf({ active, uptimeNs }: StreamState): Record<string, unknown> {
  return { active, uptime: uptimeNs / 1e9, uptime_str: durationText(uptimeNs) }
}
