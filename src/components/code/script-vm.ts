import { type Clock, messageOf, readAsset } from '../../base/index.ts'
import { TimeoutError } from './limits.ts'
import { Meter } from './meter.ts'
import { metered } from './metered-module.ts'
import { PRELUDE } from './prelude.ts'
import { wasm, type WasmExports, type WasmMemory, type WasmModule } from './webassembly.ts'

const PAGE_BYTES = 65_536
/** The minimum that the module requires: its stack and its data. */
const INITIAL_PAGES = 24
/** Stack limit of a script: some thousand nested calls. */
const STACK_BYTES = 512 * 1024
/** What a run left of a message, as numbered in quickjs/isolate.c. */
const OUTCOME = { unchanged: 0, text: 1, document: 2, failed: 3, pending: 4 } as const

export interface ScriptLimits {
  readonly timeMs: number
  readonly memoryBytes: number
}

/** The requests of a running script. */
export interface ScriptHost {
  ask(what: string, first: string, second: string): string | undefined
  /** An asynchronous request. Only made in a VM that may wait. */
  wait(what: string, first: string): Promise<string>
}

/** A body as a script has set it, in UTF-8. */
export interface ScriptBody {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Whether it was set as a document, whose JSON it then is. */
  readonly isDocument: boolean
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
  readonly #clock: Clock
  readonly #runWaiting: ((at: number, length: number) => Promise<number>) | undefined
  readonly #resultAt: number
  #heap: Uint8Array<ArrayBuffer>
  #view: DataView
  /** Where bodies are written. */
  #bodyAt = 0
  #bodyBytes = 0
  #mustWait = false
  #isBroken = false

  /**
   * Starts a VM without a program. `mayWait` lets its scripts wait for responses, and makes every run asynchronous.
   */
  static async start(limits: ScriptLimits, host: ScriptHost, clock: Clock, mayWait: boolean): Promise<ScriptVm> {
    if (mayWait && wasm.Suspending === undefined) throw new ScriptError('scripts that wait need Node 25 or later')
    return new ScriptVm(await (compiled ??= compile()), limits, host, clock, mayWait)
  }

  private constructor(module: WasmModule, limits: ScriptLimits, host: ScriptHost, clock: Clock, mayWait: boolean) {
    const maximum = Math.max(INITIAL_PAGES, Math.floor(limits.memoryBytes / PAGE_BYTES))
    this.#memory = new wasm.Memory({ initial: INITIAL_PAGES, maximum })
    this.#heap = new Uint8Array(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
    this.#meter = new Meter(limits.timeMs, () => clock.monotonic())
    this.#limits = limits
    this.#host = host
    this.#clock = clock
    const answer = (...places: number[]) => this.#answer(places, mayWait)
    const { exports } = new wasm.Instance(module, {
      env: { memory: this.#memory },
      host: {
        now: () => clock.now(),
        timezone: (ms: number) => new Date(ms).getTimezoneOffset(),
        ask: mayWait ? new wasm.Suspending!(answer) : answer,
      },
    })
    this.#quickjs = exports as WasmExports & QuickJs // its exports are those of quickjs/isolate.c
    this.#runWaiting = mayWait ? wasm.promising!(this.#quickjs.run) : undefined
    this.#meter.attach(exports)
    this.#quickjs._initialize()
    this.#resultAt = this.#quickjs.result()
    const prelude = this.#text(PRELUDE)
    // Below the limit of the memory itself, so that a script gets an error that it can handle.
    const memoryBytes = Math.floor(limits.memoryBytes * 0.9)
    this.#outcome(this.#quickjs.start(memoryBytes, STACK_BYTES, prelude.at, prelude.length))
    this.#quickjs.release(prelude.at)
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
      this.#call('enter', fileName, String(head.length))
      const program = this.#text(head + body + end)
      const name = this.#text(fileName)
      const outcome = this.#quickjs.load(program.at, program.length, name.at)
      for (const { at } of [program, name]) this.#quickjs.release(at)
      this.#outcome(outcome)
    })
  }

  /** Makes {@link run} evaluate a program each time; its last value may be a promise. */
  setSource(source: string, fileName: string): void {
    this.#guarded(() => {
      this.#call('enter', fileName, '0')
      const text = this.#text(source)
      this.#quickjs.load_source(text.at, text.length, this.#text(fileName).at)
    })
  }

  /** The names of the variables and functions that a program declares at the top level. */
  namesOf(source: string): readonly string[] {
    const names = this.#guarded(() => this.#call('names', source))
    return names === '' ? [] : names.split(' ')
  }

  /** Lets the script load modules, resolving relative names from a folder. */
  allowModules(folder: string): void {
    this.#guarded(() => this.#call('allowModules', folder))
  }

  /**
   * Runs the program on a body, and returns the one that it has set, if any. Throws a {@link ScriptError}, or a {@link
   * MustWaitError}.
   */
  run(body: Uint8Array): ScriptBody | undefined | Promise<ScriptBody | undefined> {
    if (this.#runWaiting !== undefined) return this.#runAndWait(this.#runWaiting, body)
    return this.#guarded(() => this.#outcome(this.#quickjs.run(this.#place(body), body.length)))
  }

  async #runAndWait(
    run: (at: number, length: number) => Promise<number>,
    body: Uint8Array,
  ): Promise<ScriptBody | undefined> {
    this.#meter.restart()
    try {
      return this.#outcome(await run(this.#place(body), body.length))
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #outcome(outcome: number): ScriptBody | undefined {
    if (outcome === OUTCOME.unchanged) return undefined
    if (outcome === OUTCOME.pending) throw new ScriptError('the promise that the script returned is never settled')
    const words = this.#words()
    const at = words.getUint32(this.#resultAt, true)
    const bytes = this.#bytes().slice(at, at + words.getUint32(this.#resultAt + 4, true))
    if (outcome === OUTCOME.failed) throw new ScriptError(decoder.decode(bytes))
    return { bytes, isDocument: outcome === OUTCOME.document }
  }

  /** Calls a function of the prelude and returns the resulting text. */
  #call(name: string, first: string, second = ''): string {
    const target = this.#text(name)
    const left = this.#text(first)
    const right = this.#text(second)
    const outcome = this.#quickjs.call(target.at, left.at, left.length, right.at, right.length)
    for (const { at } of [target, left, right]) this.#quickjs.release(at)
    return decoder.decode(this.#outcome(outcome)?.bytes)
  }

  /** Answers a request, given as the addresses and lengths of its texts. */
  #answer(places: readonly number[], mayWait: boolean): number | Promise<number> {
    const [what, first, second] = [0, 2, 4].map(index => this.#textAt(places[index]!, places[index + 1]!))
    if (what === 'fetch') {
      if (mayWait) return this.#waitFor(what, first!)
      this.#mustWait = true
      this.#meter.stop()
      return 0
    }
    try {
      const answer = this.#host.ask(what!, first!, second!)
      return answer === undefined ? 0 : this.#answerText('v', answer)
    } catch (error) {
      return this.#answerText('e', messageOf(error))
    }
  }

  async #waitFor(what: string, first: string): Promise<number> {
    const startedAt = this.#clock.monotonic()
    try {
      return this.#answerText('v', await this.#host.wait(what, first))
    } catch (error) {
      return this.#answerText('e', messageOf(error))
    } finally {
      this.#meter.extend(this.#clock.monotonic() - startedAt)
    }
  }

  /** The address of an answer with its length in front. */
  #answerText(kind: 'v' | 'e', text: string): number {
    const bytes = encoder.encode(kind + text)
    const at = this.#allocate(4 + bytes.length)
    this.#words().setUint32(at, bytes.length, true)
    this.#bytes().set(bytes, at + 4)
    return at
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

  /** Writes a body, followed by a NUL, and returns its address. */
  #place(body: Uint8Array): number {
    if (body.length >= this.#bodyBytes) {
      if (this.#bodyAt !== 0) this.#quickjs.release(this.#bodyAt)
      this.#bodyBytes = 0
      this.#bodyAt = 0
      this.#bodyAt = this.#allocate(2 * body.length + 1024)
      this.#bodyBytes = 2 * body.length + 1024
    }
    this.#write(this.#bodyAt, body)
    return this.#bodyAt
  }

  /** A text followed by a NUL, which the caller releases. */
  #text(text: string): Text {
    const bytes = encoder.encode(text)
    const at = this.#allocate(bytes.length + 1)
    this.#write(at, bytes)
    return { at, length: bytes.length }
  }

  #textAt(at: number, length: number): string {
    return decoder.decode(this.#bytes().subarray(at, at + length))
  }

  #write(at: number, bytes: Uint8Array): void {
    const heap = this.#bytes()
    heap.set(bytes, at)
    heap[at + bytes.length] = 0
  }

  #allocate(bytes: number): number {
    const at = this.#quickjs.allocate(bytes)
    if (at === 0) throw new ScriptError('InternalError: out of memory')
    return at
  }

  /** The memory, whose buffer is replaced when it grows. */
  #bytes(): Uint8Array<ArrayBuffer> {
    if (this.#heap.length === 0) {
      this.#heap = new Uint8Array(this.#memory.buffer)
      this.#view = new DataView(this.#memory.buffer)
    }
    return this.#heap
  }

  #words(): DataView {
    this.#bytes()
    return this.#view
  }
}

/** A text in the memory of a VM. */
interface Text {
  readonly at: number
  readonly length: number
}

/** The exports of quickjs/isolate.c, where they are described. */
interface QuickJs {
  _initialize(): void
  result(): number
  allocate(bytes: number): number
  release(at: number): void
  start(memoryBytes: number, stackBytes: number, prelude: number, length: number): number
  call(name: number, first: number, firstLength: number, second: number, secondLength: number): number
  load(text: number, length: number, fileName: number): number
  load_source(text: number, length: number, fileName: number): void
  run(body: number, length: number): number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Shared by all VMs of the thread; each limits its memory through the one it passes in. */
let compiled: Promise<WasmModule> | undefined

function compile(): Promise<WasmModule> {
  return wasm.compile(metered(readAsset(import.meta.url, './quickjs/quickjs.wasm'), Number.MAX_SAFE_INTEGER))
}
