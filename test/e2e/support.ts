// Shared by the end-to-end tests: the program under test, its API and a Kafka client.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { Consumer, type Message, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import type { ApiName, ApiRequest, ApiResponse } from '../../src/control/api-types.ts'

/** The program to test; can be replaced during development. */
export const program = process.env['PENSTOCK_PROGRAM'] ?? join(import.meta.dirname, '../../bin/penstock')

/** Lets tests run concurrently, and next to a program that is in use. */
export const freePorts = ['-kafkaPort=0', '-httpPort=0', '-pipelinesPort=0', '-consolePort=0']

/** A running playground or standalone server. */
export interface Started {
  readonly child: ChildProcess
  readonly consoleUrl: string
  readonly kafkaAddress: string
  readonly agentUrl: string
  readonly pipelinesUrl: string
  readonly apiUrl: string
  readonly apiKey: string
  /** Its standard error so far. */
  stderr(): string
  /** Sends a signal and resolves to the exit code, or the signal's name, when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
  /** Resolves to the exit code, or the signal's name, when it has ended. */
  readonly ended: Promise<number | string>
}

/** Starts the program, or a command around it, and waits until it is ready. */
export async function startProgram(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  command = program,
): Promise<Started> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let [out, errors] = ['', '']
  child.stderr.on('data', chunk => (errors += chunk))
  const ended = new Promise<number | string>(resolve => child.once('exit', (code, signal) => resolve(code ?? signal!)))
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', chunk => {
      out += chunk
      if (out.includes('Ctrl-C')) resolve()
    })
    void ended.then(code => reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${errors}`)))
  })
  const find = (pattern: RegExp) => {
    const match = pattern.exec(out)
    assert(match !== null, `${pattern} is not in the output:\n${out}`)
    return match[1]!
  }
  return {
    child,
    consoleUrl: find(/Console\s+(\S+)/),
    kafkaAddress: find(/Kafka\s+(\S+)/),
    agentUrl: find(/Agent\s+(\S+)\/v1\/status/),
    pipelinesUrl: find(/Pipelines\s+(\S+)/),
    apiUrl: find(/export WARPSTREAM_API_URL=(\S+)/),
    apiKey: find(/export WARPSTREAM_API_KEY=(\S+)/),
    stderr: () => errors,
    ended,
    async stop(signal = 'SIGINT') {
      child.kill(signal)
      return ended
    },
  }
}

export interface ApiAnswer {
  readonly status: number
  readonly text: string
}

/** The address of an API, and a key for it. */
export type ApiAddress = Pick<Started, 'apiUrl' | 'apiKey'>

/** The API, used like curl does. */
export class Api {
  readonly #started: ApiAddress
  clusterId = ''

  private constructor(started: ApiAddress) {
    this.#started = started
  }

  static async connect(started: ApiAddress): Promise<Api> {
    const api = new Api(started)
    api.clusterId = (await api.call('list_virtual_clusters', {})).virtual_clusters[0]!.id
    return api
  }

  async post(name: string, body: unknown): Promise<ApiAnswer> {
    const response = await fetch(`${this.#started.apiUrl}/${name}`, {
      method: 'POST',
      headers: { 'warpstream-api-key': this.#started.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  }

  /** Calls an endpoint and requires success. */
  async call<Name extends ApiName>(name: Name, request: ApiRequest<Name>): Promise<ApiResponse<Name>> {
    const { status, text } = await this.post(name, request)
    assert.equal(status, 200, `${name}: ${text}`)
    return JSON.parse(text)
  }

  /** Creates a pipeline with a first version, and runs it if requested. */
  async createPipeline(
    name: string,
    yaml: string,
    state: 'running' | 'paused' = 'running',
  ): Promise<PipelineUnderTest> {
    const cluster = { virtual_cluster_id: this.clusterId }
    const { pipeline_id } = await this.call('create_pipeline', { ...cluster, pipeline_name: name })
    const pipeline = new PipelineUnderTest(this, { ...cluster, pipeline_id })
    await pipeline.save(yaml)
    if (state === 'running') await pipeline.change({ desired_state: 'running' })
    return pipeline
  }
}

/** One pipeline, by its ids. */
export class PipelineUnderTest {
  #api: Api
  readonly ids: { readonly virtual_cluster_id: string; readonly pipeline_id: string }

  constructor(api: Api, ids: PipelineUnderTest['ids']) {
    this.#api = api
    this.ids = ids
  }

  /** Continues with the API of a restarted server. */
  useApi(api: Api): void {
    this.#api = api
  }

  /** Saves a version and returns its id. */
  async save(yaml: string): Promise<string> {
    const saved = await this.#api.call('create_pipeline_configuration', { ...this.ids, configuration_yaml: yaml })
    return saved.configuration_id
  }

  async change(change: { desired_state?: 'running' | 'paused'; deployed_configuration_id?: string }): Promise<void> {
    await this.#api.call('change_pipeline_state', { ...this.ids, ...change })
  }

  status(): Promise<ApiResponse<'describe_pipeline_status'>> {
    return this.#api.call('describe_pipeline_status', this.ids)
  }

  /** Waits until its status is as expected. */
  until(
    what: string,
    condition: (status: ApiResponse<'describe_pipeline_status'>) => boolean,
  ): Promise<ApiResponse<'describe_pipeline_status'>> {
    return eventually(what, () => this.status(), condition)
  }
}

/**
 * How long a test waits for something expected, in ms: only failing tests reach it, and a busy machine may need much of
 * it.
 */
const patienceMs = 240_000

/** Polls until the value is as expected; fails with the last one. */
export async function eventually<Value>(
  what: string,
  ask: () => Promise<Value>,
  condition: (value: Value) => boolean,
): Promise<Value> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const value = await ask()
    if (condition(value)) return value
    if (performance.now() > deadline)
      assert.fail(`${what}: not within ${patienceMs} ms; the last answer was ${JSON.stringify(value)?.slice(0, 3000)}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/**
 * Waits until no client is directed to an agent that was killed. For some seconds it counts as alive, and may be
 * returned as the leader of a partition or the coordinator of a group: clients retry that for minutes, those of
 * `produce` and `consume` do not.
 */
export async function untilForgotten(api: Api, { pid }: { readonly pid: number }): Promise<void> {
  const isAlive = async () => {
    const { agents } = await api.call('list_agents', { virtual_cluster_id: api.clusterId })
    return agents.some(({ agent_name, is_alive }) => is_alive && agent_name.endsWith(`:${pid}`))
  }
  await eventually(`agent ${pid} no longer counts as alive`, isAlive, alive => !alive)
}

/** Produces values to a topic and waits until they are acknowledged. */
export async function produce(kafkaAddress: string, topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer({
    clientId: 'e2e',
    bootstrapBrokers: [kafkaAddress],
    serializers: stringSerializers,
    autocreateTopics: true,
  })
  try {
    await producer.send({ messages: values.map(value => ({ topic, value })) })
  } finally {
    await producer.close()
  }
}

/** Reads a topic from its beginning with a consumer group, until `count` records have arrived. */
export async function consume(
  kafkaAddress: string,
  topic: string,
  count: number,
  groupId = `e2e-${Math.random().toString(36).slice(2)}`,
): Promise<Message<string, string, string, string>[]> {
  const consumer = new Consumer({
    clientId: 'e2e',
    groupId,
    bootstrapBrokers: [kafkaAddress],
    deserializers: stringDeserializers,
  })
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
  })
  const messages: Message<string, string, string, string>[] = []
  try {
    for await (const message of stream) {
      messages.push(message)
      if (messages.length < count) continue
      await message.commit()
      break
    }
  } finally {
    await stream.close()
    await consumer.close(true)
  }
  return messages
}
