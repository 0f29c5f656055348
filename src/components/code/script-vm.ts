import { readPackageFile, messageOf } from '../../base/index.ts'
import { TimeoutError } from './limits.ts'
import { Meter } from './meter.ts'
import { metered } from './metered-module.ts'
import { PRELUDE } from './prelude.ts'
import { wasm, type WasmFunction, type WasmImports, type WasmMemory, type WasmModule } from './webassembly.ts'

const PACKAGE = '@jitl/quickjs-wasmfile-release-sync'
const PAGE_BYTES = 65_536
/** The minimum that the build requires. */
const INITIAL_PAGES = 256
/** Stack limit of a script: some thousand nested calls. */
const STACK_BYTES = 512 * 1024
const GLOBAL_CODE = 0

export interface ScriptLimits {
  readonly timeMs: number
  readonly memoryBytes: number
}

/** The requests of a running script. Texts are passed with a letter in front: see prelude.ts. */
export interface ScriptHost {
  ask(what: string, first: string, second: string): string | undefined
  /** An asynchronous request. Only made in a VM that may wait. */
  wait(what: string, first: string): Promise<string>
}

/** A script failed with its own error or by exceeding a limit. */
class ScriptError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ScriptError'
  }
}

/** A script has to wait in a VM that cannot; it must be run again in one that can. */
export class MustWaitError extends Error {}

/**
 * An isolate for scripts: QuickJS in WebAssembly, with its own memory. A script can access what {@link ScriptHost}
 * answers, and nothing else; no object of this realm is ever exposed to it. It ends when its time or its memory is
 * exhausted.
 */
export class ScriptVm {
  readonly #quickjs: QuickJs
  readonly #memory: WasmMemory
  readonly #meter: Meter
  readonly #limits: ScriptLimits
  readonly #host: ScriptHost
  readonly #mayWait: boolean
  readonly #monotonic: () => number
  readonly #runtime: number
  readonly #context: number
  readonly #undefined: number
  readonly #arguments: number
  readonly #words: Readonly<Record<'run' | 'outcome', number>>
  #dispatch: number
  #heap: Buffer<ArrayBuffer>
  #scratch = 0
  #scratchBytes = 0
  /** The body of the current run. */
  #given = 0
  #mustWait = false
  #isBroken = false

  /**
   * Starts a VM without a program. `mayWait` lets its scripts wait for responses, and makes every call asynchronous.
   */
  static async start(
    limits: ScriptLimits,
    host: ScriptHost,
    monotonic: () => number,
    mayWait: boolean,
  ): Promise<ScriptVm> {
    if (mayWait && wasm.Suspending === undefined) throw new ScriptError('scripts that wait need Node 25 or later')
    const maximum = Math.max(INITIAL_PAGES, Math.floor(limits.memoryBytes / PAGE_BYTES))
    const memory = new wasm.Memory({ initial: INITIAL_PAGES, maximum })
    const meter = new Meter(limits.timeMs, monotonic)
    // The package's types describe the whole of Emscripten's interface and brand its pointers.
    const { default: start } = (await import('@jitl/quickjs-wasmfile-release-sync/emscripten-module')) as unknown as {
      readonly default: (options: object) => Promise<QuickJs>
    }
    const module = await (compiled ??= compile())
    const quickjs = await start({
      wasmMemory: memory,
      thisProgram: 'script',
      // What it prints on abort is also the text of the error.
      printErr: () => undefined,
      instantiateWasm: (imports: WasmImports, done: (instance: object) => void) => {
        const instance = new wasm.Instance(module, mayWait ? waitingImports(imports) : imports)
        meter.attach(instance.exports)
        done(instance)
        return instance.exports
      },
    })
    return new ScriptVm(quickjs, memory, meter, limits, host, monotonic, mayWait)
  }

  private constructor(
    quickjs: QuickJs,
    memory: WasmMemory,
    meter: Meter,
    limits: ScriptLimits,
    host: ScriptHost,
    monotonic: () => number,
    mayWait: boolean,
  ) {
    this.#quickjs = quickjs
    this.#memory = memory
    this.#heap = Buffer.from(memory.buffer)
    this.#meter = meter
    this.#limits = limits
    this.#host = host
    this.#mayWait = mayWait
    this.#monotonic = monotonic
    quickjs.callbacks = {
      callFunction: (_asyncify, _context, _this, _count, values) => this.#answer(values),
      // The meter stops scripts, even where QuickJS does not check for interrupts.
      shouldInterrupt: () => 0,
      freeHostRef: () => undefined,
    }
    const runtime = quickjs._QTS_NewRuntime()
    // Below the limit of the memory itself, so that a script gets an error that it can handle.
    quickjs._QTS_RuntimeSetMemoryLimit(runtime, Math.floor(limits.memoryBytes * 0.9))
    quickjs._QTS_RuntimeSetMaxStackSize(runtime, STACK_BYTES)
    this.#runtime = runtime
    this.#context = quickjs._QTS_NewContext(runtime, 0)
    this.#undefined = quickjs._QTS_GetUndefined()
    this.#arguments = quickjs._malloc(16)
    this.#words = { run: this.#text('run'), outcome: this.#text('outcome') }
    const ask = quickjs._QTS_NewFunction(this.#context, this.#cText('ask'), 3, 0, 1)
    const install = this.#evaluate(PRELUDE, 'prelude.js')
    this.#dispatch = quickjs._QTS_Call(this.#context, install, this.#undefined, 1, this.#values(ask))
  }

  /** Whether the VM must not be used again because a script was stopped in it. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /**
   * Makes {@link run} call a function, given as its body and the text before and after it. Throws a {@link
   * ScriptError}.
   */
  setFunction(head: string, body: string, end: string, fileName: string): void {
    this.#guarded(() => {
      const program = this.#evaluate(head + body + end, fileName, head.length)
      this.#tell('program', program, this.#text(fileName), this.#text(String(head.length)))
    })
  }

  /** Makes {@link run} evaluate a program each time; its last value may be a promise. */
  setSource(source: string, fileName: string): void {
    this.#guarded(() => this.#tell('source', this.#text(source), this.#text(fileName)))
  }

  /** The names of the variables and functions that a program declares at the top level. */
  namesOf(source: string): readonly string[] {
    const names = this.#guarded(() => this.#tell('names', this.#text(source)))
    return names === 'v' ? [] : names.slice(1).split(' ')
  }

  /** Lets the script load modules, resolving relative names from a folder. */
  allowModules(folder: string): void {
    this.#guarded(() => this.#tell('require', this.#text(folder)))
  }

  /**
   * Runs the program on a body. Returns null if the body was left unchanged; otherwise bytes with a letter in front.
   * Throws a {@link ScriptError}, or a {@link MustWaitError}.
   */
  run(body: Uint8Array): Uint8Array | null | Promise<Uint8Array | null> {
    if (this.#mayWait) return this.#runWaiting(body)
    return this.#guarded(() => {
      const given = this.#body(body)
      const result = this.#quickjs._QTS_Call(this.#context, this.#dispatch, this.#undefined, given, this.#arguments)
      this.#quickjs._QTS_FreeValuePointer(this.#context, this.#given)
      if (!this.#quickjs._QTS_IsJobPending(this.#runtime)) return this.#outcome(result)
      this.#free(result)
      this.#runJobs()
      return this.#outcome(this.#call('outcome'))
    })
  }

  async #runWaiting(body: Uint8Array): Promise<Uint8Array | null> {
    const { _QTS_Call, _QTS_ExecutePendingJob, _QTS_IsJobPending } = this.#quickjs
    this.#meter.restart()
    try {
      const given = this.#body(body)
      const call = wasm.promising!(_QTS_Call)
      let result = await call(this.#context, this.#dispatch, this.#undefined, given, this.#arguments)
      this.#quickjs._QTS_FreeValuePointer(this.#context, this.#given)
      if (_QTS_IsJobPending(this.#runtime)) {
        this.#free(result)
        const execute = wasm.promising!(_QTS_ExecutePendingJob)
        while (_QTS_IsJobPending(this.#runtime)) this.#free(await execute(this.#runtime, -1, this.#arguments))
        result = await call(this.#context, this.#dispatch, this.#undefined, 1, this.#values(this.#words.outcome))
      }
      return this.#outcome(result)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #runJobs(): void {
    const { _QTS_ExecutePendingJob, _QTS_IsJobPending } = this.#quickjs
    while (_QTS_IsJobPending(this.#runtime)) this.#free(_QTS_ExecutePendingJob(this.#runtime, -1, this.#arguments))
  }

  /** Stores the arguments of a run and returns their number. */
  #body(body: Uint8Array): number {
    // Inside the isolate a NUL ends a text.
    const isQuoted = body.includes(0)
    const bytes = isQuoted ? encoder.encode(JSON.stringify(new TextDecoder().decode(body))) : body
    this.#given = this.#textOf(bytes)
    this.#values(this.#words.run, this.#given, ...(isQuoted ? [this.#words.run] : []))
    return isQuoted ? 3 : 2
  }

  #outcome(result: number): Uint8Array | null {
    const bytes = this.#bytesOf(result)
    this.#free(result)
    if (bytes === null) return null
    if (bytes[0] === 0x65) throw new ScriptError(decoder.decode(bytes.subarray(1)))
    if (bytes[0] === 0x70) throw new ScriptError('the promise that the script returned is never settled')
    return bytes
  }

  /** Calls the prelude's dispatcher and returns the resulting text. */
  #tell(what: string, ...values: number[]): string {
    const given = [this.#text(what), ...values]
    const { _QTS_Call } = this.#quickjs
    const result = _QTS_Call(this.#context, this.#dispatch, this.#undefined, given.length, this.#values(...given))
    for (const value of given) this.#free(value)
    const bytes = this.#outcome(result)
    return bytes === null ? '' : decoder.decode(bytes)
  }

  #call(word: 'outcome'): number {
    const { _QTS_Call } = this.#quickjs
    return _QTS_Call(this.#context, this.#dispatch, this.#undefined, 1, this.#values(this.#words[word]))
  }

  /** `headLength` is the length of what precedes the user's code on the first line. */
  #evaluate(source: string, fileName: string, headLength = 0): number {
    const { _QTS_Eval, _malloc, _free } = this.#quickjs
    const bytes = encoder.encode(source)
    const name = this.#cText(fileName)
    const at = allocated(_malloc(bytes.length + 1))
    this.#write(at, bytes)
    const result = _QTS_Eval(this.#context, at, bytes.length, name, 0, GLOBAL_CODE)
    _free(at)
    _free(name)
    const error = this.#quickjs._QTS_ResolveException(this.#context, result)
    if (error === 0) return result
    throw new ScriptError(this.#describe(error, headLength))
  }

  #describe(error: number, headLength: number): string {
    const dumped = this.#quickjs._QTS_Dump(this.#context, error)
    const text = decoder.decode(this.#cBytes(dumped))
    try {
      // The format in which QuickJS prints an error.
      const { name, message, stack } = JSON.parse(text) as Readonly<Record<string, string>>
      const place = /\(?([^\s()]+:\d+(?::\d+)?)\)?\s*(?:\n|$)/.exec(stack ?? '')
      const at = place?.[1]?.replace(/:1:(\d+)$/, (_, column: string) => `:1:${Number(column) - headLength}`)
      return `${name}: ${message}${at === undefined ? '' : ` at ${at}`}`
    } catch {
      return text
    }
  }

  /** Answers a request of the script with a pointer to the value, 0 for undefined. */
  #answer(values: number): number | Promise<number> {
    const [what, first, second] = [0, 1, 2].map(index => this.#argument(values, index))
    if (what === 'fetch') {
      if (this.#mayWait) return this.#waitFor(what, first!)
      this.#mustWait = true
      this.#meter.stop()
      return 0
    }
    let answer: string | undefined
    try {
      answer = this.#host.ask(what!, first!, second!)
    } catch (error) {
      answer = `e${messageOf(error)}`
    }
    return answer === undefined ? 0 : this.#text(answer)
  }

  async #waitFor(what: string, first: string): Promise<number> {
    const startedAt = this.#monotonic()
    let answer: string
    try {
      answer = await this.#host.wait(what, first)
    } catch (error) {
      answer = `e${messageOf(error)}`
    }
    this.#meter.extend(this.#monotonic() - startedAt)
    return this.#text(answer)
  }

  #argument(values: number, index: number): string {
    const { _QTS_ArgvGetJSValueConstPointer } = this.#quickjs
    return decoder.decode(this.#bytesOf(_QTS_ArgvGetJSValueConstPointer(values, index)) ?? noBytes)
  }

  #guarded<T>(run: () => T): T {
    this.#meter.restart()
    try {
      return run()
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Translates an error thrown by the VM. */
  #failure(error: unknown): unknown {
    if (this.#mustWait) {
      this.#isBroken = true
      return new MustWaitError()
    }
    if (error instanceof ScriptError) {
      // What the script still holds may exhaust the memory for all later runs.
      if (error.message.startsWith('InternalError: ')) this.#isBroken = true
      return error
    }
    this.#isBroken = true
    if (this.#meter.isOver) return new TimeoutError('script', this.#limits.timeMs)
    if (error instanceof RangeError) return new ScriptError('the script called itself too deeply')
    return new ScriptError(`the script was stopped: ${messageOf(error)}`)
  }

  /** Stores pointers to values in the argument area and returns its address. */
  #values(...pointers: number[]): number {
    const heap = this.#bytes()
    for (let index = 0; index < pointers.length; index++) {
      heap.writeUInt32LE(pointers[index]!, this.#arguments + 4 * index)
    }
    return this.#arguments
  }

  #text(text: string): number {
    return this.#textOf(encoder.encode(text))
  }

  #textOf(bytes: Uint8Array): number {
    if (bytes.length >= this.#scratchBytes) {
      if (this.#scratch !== 0) this.#quickjs._free(this.#scratch)
      this.#scratch = 0
      this.#scratchBytes = 0
      this.#scratch = allocated(this.#quickjs._malloc(2 * bytes.length + 1024))
      this.#scratchBytes = 2 * bytes.length + 1024
    }
    this.#write(this.#scratch, bytes)
    return this.#quickjs._QTS_NewString(this.#context, this.#scratch)
  }

  /** A NUL-terminated text, which the caller must free. */
  #cText(text: string): number {
    const bytes = encoder.encode(text)
    const at = allocated(this.#quickjs._malloc(bytes.length + 1))
    this.#write(at, bytes)
    return at
  }

  #write(at: number, bytes: Uint8Array): void {
    const heap = this.#bytes()
    heap.set(bytes, at)
    heap[at + bytes.length] = 0
  }

  /** The UTF-8 bytes of a value as text; null if the value is undefined. */
  #bytesOf(value: number): Uint8Array | null {
    const { _QTS_Typeof, _QTS_GetString, _QTS_FreeCString } = this.#quickjs
    const at = _QTS_GetString(this.#context, value)
    if (at === 0) throw new ScriptError('InternalError: out of memory')
    const bytes = this.#cBytes(at)
    _QTS_FreeCString(this.#context, at)
    // The type is only looked up for this text, which is rare.
    if (bytes.length !== 9 || decoder.decode(bytes) !== 'undefined') return bytes
    const type = _QTS_Typeof(this.#context, value)
    const isUndefined = decoder.decode(this.#cBytes(type)) === 'undefined'
    this.#quickjs._free(type)
    return isUndefined ? null : bytes
  }

  #cBytes(at: number): Uint8Array {
    const heap = this.#bytes()
    const end = heap.indexOf(0, at)
    // Small copies share a pool, which costs less than memory of their own.
    const copy = Buffer.allocUnsafe(end - at)
    heap.copy(copy, 0, at, end)
    return copy
  }

  #free(value: number): void {
    this.#quickjs._QTS_FreeValuePointer(this.#context, value)
  }

  /** The memory, whose buffer is replaced when it grows. */
  #bytes(): Buffer<ArrayBuffer> {
    if (this.#heap.length === 0) this.#heap = Buffer.from(this.#memory.buffer)
    return this.#heap
  }
}

/** The parts of Emscripten's module that are used here. Values, contexts and texts are addresses in its memory. */
interface QuickJs {
  callbacks: {
    callFunction(a: unknown, context: number, self: number, count: number, values: number): number | Promise<number>
    shouldInterrupt(): 0 | 1
    freeHostRef(): void
  }
  _malloc(bytes: number): number
  _free(at: number): void
  _QTS_NewRuntime(): number
  _QTS_RuntimeSetMemoryLimit(runtime: number, bytes: number): void
  _QTS_RuntimeSetMaxStackSize(runtime: number, bytes: number): void
  _QTS_NewContext(runtime: number, intrinsics: number): number
  _QTS_GetUndefined(): number
  _QTS_NewFunction(context: number, name: number, parameters: number, isConstructor: number, id: number): number
  _QTS_NewString(context: number, text: number): number
  _QTS_GetString(context: number, value: number): number
  _QTS_FreeCString(context: number, text: number): void
  _QTS_FreeValuePointer(context: number, value: number): void
  _QTS_Typeof(context: number, value: number): number
  _QTS_Dump(context: number, value: number): number
  _QTS_Eval(context: number, at: number, length: number, name: number, detect: number, flags: number): number
  _QTS_ResolveException(context: number, result: number): number
  _QTS_Call(context: number, call: number, self: number, count: number, values: number): number
  _QTS_ArgvGetJSValueConstPointer(values: number, index: number): number
  _QTS_IsJobPending(runtime: number): number
  _QTS_ExecutePendingJob(runtime: number, most: number, context: number): number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const noBytes = new Uint8Array(0)

/** Shared by all VMs of the thread; each limits its memory through the one it passes in. */
let compiled: Promise<WasmModule> | undefined

function compile(): Promise<WasmModule> {
  return wasm.compile(metered(readPackageFile(`${PACKAGE}/wasm`), Number.MAX_SAFE_INTEGER))
}

/**
 * The imports, with the one that calls back into the host marked as suspending. Their one-letter names change with
 * every build.
 */
function waitingImports(imports: WasmImports): WasmImports {
  // All functions are imported from one module.
  const [[module, functions]] = Object.entries(imports) as [[string, Readonly<Record<string, unknown>>]]
  const entries = Object.entries(functions).map(([name, call]) => [
    name,
    // A value with this source text is a function.
    String(call).includes('callbacks.callFunction') ? new wasm.Suspending!(call as WasmFunction) : call,
  ])
  // The entries are those of the original imports, whose type is lost in the mapping.
  return { [module]: Object.fromEntries(entries) as Readonly<Record<string, unknown>> }
}

function allocated(at: number): number {
  if (at === 0) throw new ScriptError('InternalError: out of memory')
  return at
}
