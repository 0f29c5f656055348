import type { WasmMemory } from './webassembly.ts'

const SUCCESS = 0
const BAD_DESCRIPTOR = 8
const NOT_SUPPORTED = 52
const CHARACTER_DEVICE = 2
/** How much of a module's output is kept: a panic explains itself there. */
const KEPT_BYTES = 2048

/** A module's access to the host: time and random bytes, but no files, arguments or environment variables. */
interface WasiHost {
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds of a monotonic clock. */
  monotonic(): number
  randomBytes(count: number): Uint8Array
}

/** A module exited. */
export class ExitError extends Error {
  readonly code: number
  constructor(code: number) {
    super(`module closed with exit_code(${code})`)
    this.name = 'ExitError'
    this.code = code
  }
}

/** The functions of WASI preview 1; those for files and sockets report that there are none. */
export class Wasi {
  readonly #host: WasiHost
  #memory: WasmMemory | undefined
  #written = ''

  constructor(host: WasiHost) {
    this.#host = host
  }

  attach(memory: WasmMemory): void {
    this.#memory = memory
  }

  /** Returns and clears the latest output to its standard streams. */
  takeWritten(): string {
    const written = this.#written
    this.#written = ''
    return written.trim()
  }

  /** The functions with these names. */
  imports(names: readonly string[]): Readonly<Record<string, unknown>> {
    const functions = this.#functions()
    return Object.fromEntries(names.map(name => [name, functions[name] ?? (() => NOT_SUPPORTED)]))
  }

  #functions(): Readonly<Record<string, (...values: never[]) => number>> {
    const nothing = (count: number, bytes: number) => this.#setWord(count, 0) + this.#setWord(bytes, 0)
    return {
      args_get: () => SUCCESS,
      args_sizes_get: nothing,
      environ_get: () => SUCCESS,
      environ_sizes_get: nothing,
      clock_res_get: (_clock: number, at: number) => this.#setLong(at, 1000n),
      clock_time_get: (clock: number, _precision: bigint, at: number) => {
        const ms = clock === 0 ? this.#host.now() : this.#host.monotonic()
        return this.#setLong(at, BigInt(Math.round(ms * 1e6)))
      },
      random_get: (at: number, length: number) => {
        new Uint8Array(this.#memory!.buffer, at, length).set(this.#host.randomBytes(length))
        return SUCCESS
      },
      sched_yield: () => SUCCESS,
      proc_exit: (code: number) => {
        throw new ExitError(code)
      },
      fd_write: (descriptor: number, parts: number, count: number, at: number) =>
        this.#write(descriptor, parts, count, at),
      fd_read: (descriptor: number, _parts: number, _count: number, at: number) =>
        descriptor === 0 ? this.#setWord(at, 0) : BAD_DESCRIPTOR,
      fd_fdstat_get: (descriptor: number, at: number) => {
        if (descriptor > 2) return BAD_DESCRIPTOR
        new Uint8Array(this.#memory!.buffer, at, 24).fill(0)
        return this.#setWord(at, CHARACTER_DEVICE)
      },
      fd_prestat_get: () => BAD_DESCRIPTOR,
      fd_prestat_dir_name: () => BAD_DESCRIPTOR,
      fd_close: () => BAD_DESCRIPTOR,
    }
  }

  #write(descriptor: number, parts: number, count: number, at: number): number {
    if (descriptor !== 1 && descriptor !== 2) return BAD_DESCRIPTOR
    const view = new DataView(this.#memory!.buffer)
    let length = 0
    for (let i = 0; i < count; i++) {
      const size = view.getUint32(parts + 8 * i + 4, true)
      const bytes = new Uint8Array(view.buffer, view.getUint32(parts + 8 * i, true), size)
      this.#written = (this.#written + Buffer.from(bytes.subarray(-KEPT_BYTES)).toString()).slice(-KEPT_BYTES)
      length += size
    }
    return this.#setWord(at, length)
  }

  #setWord(at: number, word: number): number {
    new DataView(this.#memory!.buffer).setUint32(at, word, true)
    return SUCCESS
  }

  #setLong(at: number, value: bigint): number {
    new DataView(this.#memory!.buffer).setBigUint64(at, value, true)
    return SUCCESS
  }
}
