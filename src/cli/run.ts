import type { ServerResponse } from 'node:http'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { type Log, messageOf, systemClock } from '../base/index.ts'
import {
  answerReady,
  ConfigError,
  createLog,
  MetricsService,
  normalised,
  openTracer,
  configFields,
  parseDuration,
  parseStream,
  pause,
  plainValue,
  printYaml,
  shapesOf,
  type Stream,
  type StreamConfig,
  startStream,
  StreamServer,
  type Tracer,
} from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { chainThreadStarter } from './chain-threads.ts'
import { descriptorSink, fileSink, type LogSink } from './log-sink.ts'
import { FileWatch } from './file-watch.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { processFigures } from './process-figures.ts'
import { RotatingFile } from './rotating-file.ts'
import { expand, loadEnvFiles, openError, readSource, type Source } from './source.ts'
import { registryOf } from './templates.ts'
import { version } from './version.ts'

/** Runs one stream until its input ends or a signal stops it. Resolves to the exit code. */
export async function runStream(options: EngineOptions): Promise<number> {
  try {
    return await runSource(await openSource(options), options)
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

/** Throws {@link SourceError} if the configuration cannot be read. */
async function openSource(options: EngineOptions): Promise<Source> {
  try {
    loadEnvFiles(options.envFiles)
    const source = await readSource(options, await registryOf(options))
    if (source.failure !== undefined) throw new SourceError(source.failure)
    return source
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    throw new SourceError(`Configuration file read error: ${error.message}`, { cause: error })
  }
}

async function runSource(source: Source, options: EngineOptions): Promise<number> {
  let config: StreamConfig
  try {
    config = parseStream(source.node, { ...source.options })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return reportUnparsed(source, options, error)
  }
  const log = makeLog(config, options)
  announce(log, source, options)
  if (!reportFindings(log, source, options)) return 1
  return await new Run(config, source, log, options).run()
}

/** If the configuration has findings and does not parse, reports the findings, which say more than the error. */
function reportUnparsed(source: Source, options: EngineOptions, error: ConfigError): number {
  const { node } = source
  const logger = node.entries.filter(entry => entry.key.value === 'logger')
  const output = node.entries.find(entry => entry.key.value === 'output')?.value
  const writesToStdout = output === undefined || output.entries.some(entry => entry.key.value === 'stdout')
  const bare = parseStream({ ...node, entries: logger }, { ...source.options })
  const log = makeLog(writesToStdout ? bare : { ...bare, output: { ...bare.output, name: '' } }, options)
  announce(log, source, options)
  if (!reportFindings(log, source, options)) return 1
  log.error(`Service closing due to: ${error.message}`)
  return 1
}

/**
 * The log of a configuration. `descriptor`: the stream it writes to; by default standard output unless messages go
 * there. Throws {@link SourceError} if its file cannot be opened.
 */
export function makeLog(
  config: StreamConfig,
  options: EngineOptions,
  // Log lines must not be mixed with messages.
  descriptor = config.output.name === 'stdout' ? 2 : 1,
): Log {
  const { logger } = config
  const format = options.logLevel === '' ? logger : { ...logger, level: options.logLevel }
  return createLog(format, logger.file.path === '' ? descriptorSink(descriptor) : logFile(logger.file), Date.now)
}

function logFile({ path, rotate, rotate_max_age_days: maxAgeDays }: StreamConfig['logger']['file']): LogSink {
  try {
    return rotate ? new RotatingFile(path, { maxAgeDays, now: Date.now }).write : fileSink(path)
  } catch (error) {
    throw new SourceError(`Failed to create logger: ${openError(path, error)}`, { cause: error })
  }
}

/** Logs which configuration is being run. */
export function announce(log: Log, { path }: Source, options: EngineOptions): void {
  const fields = { bento_version: version }
  if (path !== '') {
    const inferred = options.config === ''
    const text = inferred
      ? 'Running main config from file found in a default path'
      : 'Running main config from specified file'
    log.info(text, { ...fields, path })
  } else if ((process.env['BENTO_CONFIG'] ?? '') !== '') {
    log.info('Running config from BENTO_CONFIG environment variable', fields)
  } else {
    log.info('Running without a main config file', fields)
  }
}

/** Logs the findings; false if they forbid running. */
export function reportFindings(log: Log, source: Source, options: EngineOptions, kind = 'linter errors'): boolean {
  const errors = source.findings.filter(({ finding }) => finding.level === 'error')
  for (const { path, finding } of errors) {
    const lint = `${path}(${finding.line},${finding.column}) ${finding.text}`
    if (options.chilled) log.warn('Config lint error', { lint })
    else log.error('Config lint error', { lint })
  }
  if (!options.chilled && errors.length > 0) {
    log.error(`Shutting down due to ${kind}, to prevent shutdown run Penstock with --chilled`)
    return false
  }
  for (const { path, finding } of source.findings) {
    if (finding.level === 'warning')
      log.warn('Config lint warning', { lint: `${path}(${finding.line},${finding.column}) ${finding.text}` })
  }
  return true
}

/** What a stream shares with its replacements. */
interface Surroundings {
  readonly metrics: MetricsService
  readonly tracer: Tracer | null
  readonly server: StreamServer | undefined
}

class Run {
  readonly #config: StreamConfig
  readonly #source: Source
  readonly #log: Log
  readonly #options: EngineOptions
  #stream: Stream | undefined
  #ended = false
  #isStopping = false
  /** Set while a stream is being replaced and is still running. */
  #swap: Promise<void> | undefined

  constructor(config: StreamConfig, source: Source, log: Log, options: EngineOptions) {
    this.#config = config
    this.#source = source
    this.#log = log
    this.#options = options
  }

  async run(): Promise<number> {
    const times = this.#times()
    if (times === undefined) return 1
    let metrics: MetricsService | undefined
    let server: StreamServer | undefined
    let tracer: Tracer | null = null
    try {
      metrics = await openMetrics(this.#config, this.#log)
      tracer = await openTracing(this.#config, this.#log)
      server = makeServer(this.#config, this.#source, metrics, response =>
        answerReady(response, this.#stream?.status, this.#ended),
      )
      if (server !== undefined) await this.#listen(server)
      this.#stream = await this.#start(this.#source, { metrics, tracer, server })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#log.error(`Service closing due to: ${error.message}`)
      await server?.close()
      await tracer?.close()
      await metrics?.close()
      return 1
    }
    this.#log.info('Launching a Penstock instance, use CTRL+C to close')
    const watch = this.#options.watcher ? this.#watch(times.timeoutMs, { metrics, tracer, server }) : undefined
    const clean = await this.#untilStopped(times)
    watch?.close()
    await server?.close()
    await tracer?.close()
    await metrics.close()
    return clean ? 0 : 1
  }

  #start(source: Source, { metrics, tracer, server }: Surroundings): Promise<Stream> {
    return startStream(source.node, {
      ...source.options,
      host: systemHost,
      clock: systemClock,
      log: this.#log,
      metrics: metrics.metrics,
      tracer,
      parallelism: availableParallelism(),
      startChainThread: chainThreadStarter(source.path),
      ...(server === undefined ? {} : { http: server }),
    })
  }

  /** Applies changes to the configuration and its resources. */
  #watch(timeoutMs: number, surroundings: Surroundings): FileWatch {
    const { path } = this.#source
    const { resources, templates } = this.#options
    const paths = [...(path === '' ? [] : [path]), ...expand(resources), ...expand(templates)]
    let running = this.#source
    const apply = async () => {
      const changed = await this.#reread()
      if (changed === undefined || this.#isStopping) return
      // Messages already read are delivered and acknowledged first; the rest stays at the source for the new stream.
      await this.#stream?.stop(timeoutMs)
      if (this.#isStopping) return
      try {
        this.#stream = await this.#start(changed, surroundings)
        running = changed
        this.#log.info('Updated main config')
      } catch (error) {
        this.#log.error(`Failed to start the updated config, continuing with the previous one: ${messageOf(error)}`)
        this.#stream = await this.#start(running, surroundings)
      }
    }
    return new FileWatch(paths, files => {
      this.#log.info('Config files have changed', { paths: files.join(', ') })
      const before = this.#swap ?? Promise.resolve()
      const swap = before.then(apply).catch((error: unknown) => {
        this.#log.error(`Failed to apply updated config: ${messageOf(error)}`)
      })
      this.#swap = swap
    })
  }

  /** The configuration as its files are now; undefined if it cannot run. */
  async #reread(): Promise<Source | undefined> {
    try {
      loadEnvFiles(this.#options.envFiles)
      const source = await readSource(this.#options, await registryOf(this.#options))
      if (source.failure !== undefined) throw new SourceError(source.failure)
      const errors = source.findings.filter(({ finding }) => finding.level === 'error')
      for (const { path, finding } of errors) {
        this.#log.error('Config lint error', { lint: `${path}(${finding.line},${finding.column}) ${finding.text}` })
      }
      if (errors.length > 0 && !this.#options.chilled) {
        throw new SourceError('it has linter errors; run Penstock with --chilled to apply it anyway')
      }
      parseStream(source.node, { ...source.options })
      return source
    } catch (error) {
      if (!(error instanceof SourceError || error instanceof ConfigError)) throw error
      this.#log.error(`Rejecting updated config: ${error.message}`)
      return undefined
    }
  }

  /** Resolves when the stream has ended without a replacement. Rejects if it failed. */
  async #whole(): Promise<void> {
    for (;;) {
      const stream = this.#stream
      await stream?.done
      await this.#swap
      if (stream === this.#stream) return
    }
  }

  #times(): { readonly delayMs: number; readonly timeoutMs: number } | undefined {
    const parse = (text: string, what: string) => {
      try {
        return text === '' ? 0 : parseDuration(text)
      } catch (error) {
        this.#log.error(`Failed to parse shutdown ${what} period string: ${messageOf(error)}`)
        return undefined
      }
    }
    const delayMs = parse(this.#config.shutdown_delay, 'delay')
    const timeoutMs = parse(this.#config.shutdown_timeout, 'timeout')
    return delayMs === undefined || timeoutMs === undefined ? undefined : { delayMs, timeoutMs }
  }

  async #listen(server: StreamServer): Promise<void> {
    const { address } = this.#config.http
    try {
      await server.listen()
      this.#log.info(`Listening for HTTP requests at: http://${address}`)
    } catch (error) {
      // The original logs that the port is taken and runs without the server.
      this.#log.error(`HTTP Server error: listen tcp ${address}: ${messageOf(error)}`)
    }
  }

  /** Waits for the end of the input or a signal, whichever comes first; false if the stream had to be cut off. */
  async #untilStopped(times: { readonly delayMs: number; readonly timeoutMs: number }): Promise<boolean> {
    let stopping: Promise<void> | undefined
    const stop = (signal: NodeJS.Signals) => {
      if (stopping !== undefined) {
        this.#log.warn('Shutting down immediately')
        process.exit(1)
      }
      this.#log.info(`Received ${signal}, the service is closing`)
      this.#isStopping = true
      stopping = pause(times.delayMs).then(async () => {
        await this.#swap
        await this.#stream?.stop(times.timeoutMs)
      })
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    let failure: unknown
    const ended = this.#whole().catch((error: unknown) => {
      failure = error
    })
    await Promise.race([ended, untilStopping(() => stopping)])
    if (stopping !== undefined) await stopping
    else this.#log.info('Pipeline has terminated. Shutting down the service')
    this.#ended = true
    if (stopping === undefined && times.delayMs > 0) {
      this.#log.info(`Shutdown delay is in effect for ${times.delayMs}ms`)
      await pause(times.delayMs)
    }
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    if (failure !== undefined) this.#log.error(`Stream failed: ${messageOf(failure)}`)
    return failure === undefined
  }
}

/** The metrics exporter of a configuration, which measures this process. Throws {@link ConfigError}. */
export function openMetrics({ metrics }: StreamConfig, log: Log): Promise<MetricsService> {
  return MetricsService.open(metrics, { log, clock: systemClock, host: systemHost, processFigures })
}

/** The tracer of a configuration; null if nothing is traced. Throws {@link ConfigError}. */
export function openTracing({ tracer }: StreamConfig, log: Log): Promise<Tracer | null> {
  return openTracer(tracer, { log, clock: systemClock, host: systemHost, version })
}

/** The HTTP server of a configuration; undefined if it has none. Throws {@link ConfigError}. */
export function makeServer(
  { http }: StreamConfig,
  source: Source,
  metrics: MetricsService,
  ready: (response: ServerResponse) => void,
): StreamServer | undefined {
  if (!http.enabled) return undefined
  const { page } = metrics
  return new StreamServer({
    config: http,
    version,
    dateBuilt: 'unknown',
    page,
    ready,
    configText: format => configText(source, format),
  })
}

/** The configuration as parsed, without secrets. */
function configText({ node, registry }: Source, format: 'json' | 'yaml'): string {
  const scrubbed = normalised(registry, shapesOf(configFields), node)
  return format === 'json' ? JSON.stringify(plainValue(scrubbed)) : printYaml(scrubbed)
}

/** Resolves once a shutdown started by a signal has finished. */
async function untilStopping(current: () => Promise<void> | undefined): Promise<void> {
  for (;;) {
    const stopping = current()
    if (stopping !== undefined) return await stopping
    await new Promise(resolve => setTimeout(resolve, 50).unref())
  }
}
