import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'
import { type Log, messageOf, systemClock } from '../base/index.ts'
import {
  answerAllReady,
  ConfigError,
  type Node,
  parseDuration,
  parseStream,
  readService,
  readStream,
  SharedResources,
  type StreamConfig,
  type StreamServer,
  StreamSet,
  streamsApi,
} from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { chainThreadStarter } from './chain-threads.ts'
import { FileWatch } from './file-watch.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { announce, makeLog, makeServer, openMetrics, openTracing, reportFindings } from './run.ts'
import { expand, loadEnvFiles, readSource, readText, type Source } from './source.ts'
import { registryOf } from './templates.ts'

interface StreamsFlags {
  readonly 'no-api': boolean
  readonly 'prefix-stream-endpoints': boolean
}

/** Runs many streams, from files and through a REST API, until a signal stops it. Resolves to the exit code. */
export async function runStreams(options: EngineOptions, flags: StreamsFlags): Promise<number> {
  try {
    loadEnvFiles(options.envFiles)
    const source = await readSource(options, await registryOf(options), readService)
    if (source.failure !== undefined) throw new SourceError(source.failure)
    const config = parseStream(source.node, { ...source.options })
    // As in the original: it is not known yet which streams will write to standard output.
    const log = makeLog(config, options, 1)
    announce(log, source, options)
    const streams = await readStreams(source, options.words)
    if (!reportFindings(log, source, options)) return 1
    const ofStreams = { ...source, findings: streams.findings }
    if (!reportFindings(log, ofStreams, options, 'stream linter errors')) return 1
    return await new Service(config, source, log, flags, options).run(streams)
  } catch (error) {
    if (!(error instanceof SourceError || error instanceof ConfigError)) throw error
    process.stderr.write(`Configuration file read error: ${error.message}\n`)
    return 1
  }
}

interface Streams {
  /** By stream id. */
  readonly configs: ReadonlyMap<string, Node>
  /** The file of each stream, by id. */
  readonly paths: ReadonlyMap<string, string>
  readonly findings: Source['findings']
}

/** Reads the files of streams, including those in folders. Throws {@link SourceError}. */
async function readStreams(source: Source, words: readonly string[]): Promise<Streams> {
  const configs = new Map<string, Node>()
  const paths = new Map<string, string>()
  const findings: Source['findings'][number][] = []
  for (const { id, path } of expand(words).flatMap(streamFiles)) {
    if (id === '') throw new SourceError(`stream id could not be inferred from file: ${path}`)
    if (configs.has(id)) throw new SourceError(`stream id (${id}) collision from file: ${path}`)
    const read = await readStream(readText(path), source.options)
    if (read.broken) throw new SourceError(`failed to load config '${path}': ${read.findings[0]!.text}`)
    for (const finding of read.findings) findings.push({ path, finding })
    configs.set(id, read.node)
    paths.set(id, path)
  }
  return { configs, paths, findings }
}

/** A file, or all YAML files below a folder, except tests of configurations. */
function streamFiles(path: string): readonly { readonly id: string; readonly path: string }[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new SourceError(`${path}: no such file or folder`)
  if (!stat.isDirectory()) return [{ id: idOf(basename(path)), path }]
  return globSync('**/*.{yaml,yml}', { cwd: path })
    .toSorted()
    .map(file => ({ id: idOf(file), path: join(path, file) }))
    .filter(({ id }) => !id.endsWith('_bento_test'))
}

/** `a/b.yaml` → `a_b` */
function idOf(path: string): string {
  return path.replace(/\.ya?ml$/, '').replaceAll('/', '_')
}

class Service {
  readonly #config: StreamConfig
  readonly #source: Source
  readonly #log: Log
  readonly #flags: StreamsFlags
  readonly #options: EngineOptions

  constructor(config: StreamConfig, source: Source, log: Log, flags: StreamsFlags, options: EngineOptions) {
    this.#config = config
    this.#source = source
    this.#log = log
    this.#flags = flags
    this.#options = options
  }

  async run(streams: Streams): Promise<number> {
    const stopTimeoutMs = this.#timeoutMs()
    const closing: (() => Promise<unknown>)[] = []
    try {
      const metrics = await openMetrics(this.#config, this.#log)
      closing.push(() => metrics.close())
      const tracer = await openTracing(this.#config, this.#log)
      if (tracer !== null) closing.push(() => tracer.close())
      const server = makeServer(this.#config, this.#source, metrics, response => answerAllReady(response, set.unready))
      if (server !== undefined) closing.push(() => server.close())
      const common = {
        ...this.#source.options,
        clock: systemClock,
        host: systemHost,
        log: this.#log,
        // As in the original, the series of what streams share have an empty label `stream`.
        metrics: metrics.metrics.with({ stream: '' }),
        tracer,
        parallelism: availableParallelism(),
        startChainThread: chainThreadStarter(this.#source.path),
        ...(server === undefined ? {} : { http: server }),
      }
      const resources = await SharedResources.open(this.#source.node, common)
      closing.push(() => resources.close())
      const set = new StreamSet({
        ...common,
        resources,
        service: this.#source.node,
        prefixEndpoints: this.#flags['prefix-stream-endpoints'],
        stopTimeoutMs,
      })
      closing.push(() => set.close(stopTimeoutMs))
      if (server !== undefined) await this.#listen(server, set)
      for (const [id, config] of streams.configs) await set.create(id, config)
      const watch = this.#options.watcher ? this.#watch(set, streams.paths) : undefined
      closing.push(async () => watch?.close())
      this.#log.info('Launching Penstock in streams mode, use CTRL+C to close')
      const signal = await untilSignal(this.#log)
      this.#log.info(`Received ${signal}, the service is closing`)
      return 0
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#log.error(`Service closing due to: ${error.message}`)
      return 1
    } finally {
      for (const close of closing.toReversed()) await close()
    }
  }

  /** Applies changes to the files of streams; new and removed files need a restart or the API. */
  #watch(set: StreamSet, paths: ReadonlyMap<string, string>): FileWatch {
    const ids = new Map([...paths].map(([id, path]) => [path, id]))
    return new FileWatch([...ids.keys()], changed => {
      for (const path of changed) void this.#apply(set, ids.get(path)!, path)
    })
  }

  /** Never rejects: a change that cannot be applied is logged, and the stream keeps running unchanged. */
  async #apply(set: StreamSet, id: string, path: string): Promise<void> {
    try {
      const { node, findings } = await readStream(readText(path), this.#source.options)
      const errors = findings.filter(({ level }) => level === 'error')
      for (const { line, column, text } of errors) {
        this.#log.error('Config lint error', { lint: `${path}(${line},${column}) ${text}` })
      }
      if (errors.length > 0 && !this.#options.chilled) {
        throw new SourceError('it has linter errors; run Penstock with --chilled to apply it anyway')
      }
      await set.update(id, node)
      this.#log.info(`Updated stream '${id}'`)
    } catch (error) {
      this.#log.error(`Rejecting the updated config of stream '${id}': ${messageOf(error)}`)
    }
  }

  #timeoutMs(): number {
    try {
      return parseDuration(this.#config.shutdown_timeout)
    } catch (error) {
      throw new ConfigError(`failed to parse shutdown timeout period string: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  async #listen(server: StreamServer, set: StreamSet): Promise<void> {
    if (!this.#flags['no-api']) {
      const api = streamsApi(set, { log: this.#log, env: name => systemHost.env(name) })
      for (const endpoint of api) server.register(endpoint)
    }
    const { address } = this.#config.http
    try {
      await server.listen()
    } catch (error) {
      // Without its API and endpoints the service would be useless.
      throw new ConfigError(`cannot listen on ${address}: ${messageOf(error)}`, { cause: error })
    }
    this.#log.info(`Listening for HTTP requests at: http://${address}`)
  }
}

/** Resolves to the first signal; a second one ends the process immediately. */
function untilSignal(log: Log): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let isStopping = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (isStopping) {
        log.warn('Shutting down immediately')
        process.exit(1)
      }
      isStopping = true
      resolve(signal)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
