import { messageOf } from '../../base/index.ts'
import { textOfMetadata, utf8Bytes, utf8Text } from '../../bloblang/index.ts'
import type { Message } from '../../engine/index.ts'
import { TimeoutError } from './limits.ts'
import { Meter } from './meter.ts'
import { ExitError, Wasi } from './wasi.ts'
import {
  wasm,
  type WasmExports,
  type WasmFunction,
  type WasmImports,
  type WasmMemory,
  type WasmModule,
} from './webassembly.ts'

const NO_MEMORY = 'failed to read out-bound memory: prevented read'

/** What a guest receives besides its message. */
interface GuestHost {
  now(): number
  monotonic(): number
  randomBytes(count: number): Uint8Array
}

/** A module cannot be used as a guest; the message says why. */
class GuestError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'GuestError'
  }
}

/**
 * An instance of a module rewritten by `metered`. Texts are passed in through memory that the guest allocates
 * (`malloc`, or `allocate`), as a 64-bit integer with the address in its upper half and the length in its lower half;
 * they are passed out as an address and a length. After a guest was stopped it must not be used again.
 */
export class Guest {
  readonly #meter: Meter
  readonly #timeMs: number
  readonly #wasi: Wasi
  readonly #memory: WasmMemory
  readonly #process: WasmFunction
  readonly #allocate: WasmFunction | undefined
  readonly #free: WasmFunction | undefined
  readonly #deallocate: WasmFunction | undefined
  #isBroken = false
  #message: Message | undefined
  /** Addresses of what it was given during this call. */
  #given: number[] = []
  #fault: string | undefined

  /** Throws a {@link GuestError}. */
  constructor(module: WasmModule, functionName: string, timeMs: number, host: GuestHost) {
    this.#meter = new Meter(timeMs, () => host.monotonic())
    this.#timeMs = timeMs
    this.#wasi = new Wasi(host)
    const exports = this.#instantiate(module)
    // A module may export anything, so its exports are checked before use.
    const functionOf = (name: string) =>
      // Exported functions all have the single type of WebAssembly functions.
      typeof exports[name] === 'function' ? (exports[name] as WasmFunction) : undefined
    const process = functionOf(functionName)
    if (process === undefined) throw new GuestError(`the module exports no function ${functionName}`)
    this.#process = process
    this.#memory = exports['memory'] as WasmMemory // the module was checked to export its memory
    this.#allocate = functionOf('allocate') ?? functionOf('malloc')
    this.#free = functionOf('free')
    this.#deallocate = functionOf('deallocate')
    this.#begin(functionOf('_start') ?? functionOf('_initialize'))
  }

  /** Whether it was stopped and must not be used again. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Runs the guest on a message and returns the result. Throws a {@link GuestError} or a {@link TimeoutError}. */
  run(message: Message): Message {
    this.#message = message
    this.#fault = undefined
    this.#meter.restart()
    try {
      this.#process()
      for (const at of this.#given) this.#free?.(at)
    } catch (error) {
      throw this.#stopped(error)
    } finally {
      this.#given = []
    }
    if (this.#fault !== undefined) throw new GuestError(this.#fault)
    return this.#message
  }

  #instantiate(module: WasmModule): WasmExports {
    const wasi = wasm.Module.imports(module).filter(({ module: from }) => from === 'wasi_snapshot_preview1')
    const imports = {
      bento_wasm: this.#functions(),
      wasi_snapshot_preview1: this.#wasi.imports(wasi.map(({ name }) => name)),
    } satisfies WasmImports
    try {
      const { exports } = new wasm.Instance(module, imports)
      const memory = exports['memory']
      if (!(memory instanceof wasm.Memory)) throw new GuestError('the module exports no memory')
      this.#wasi.attach(memory)
      this.#meter.attach(exports)
      return exports
    } catch (error) {
      throw error instanceof GuestError ? error : new GuestError(messageOf(error), { cause: error })
    }
  }

  #begin(start: WasmFunction | undefined): void {
    try {
      start?.()
    } catch (error) {
      if (!(error instanceof ExitError && error.code === 0)) throw this.#stopped(error)
    }
  }

  #stopped(error: unknown): Error {
    this.#isBroken = true
    if (this.#meter.isOver) return new TimeoutError('module', this.#timeMs)
    const message = messageOf(error)
    const written = this.#wasi.takeWritten()
    if (error instanceof ExitError) return new GuestError(withWritten(message, written), { cause: error })
    return new GuestError(withWritten(`wasm error: ${message}`, written), { cause: error })
  }

  #functions(): Readonly<Record<string, unknown>> {
    return {
      v0_msg_set_bytes: (at: number, length: number) => {
        const bytes = this.#read(at, length, NO_MEMORY)
        if (bytes !== undefined) this.#message = this.#message!.withBytes(bytes)
      },
      v0_msg_as_bytes: () => this.#give(this.#message!.bytes()),
      v0_msg_set_meta: (keyAt: number, keyLength: number, at: number, length: number) => {
        const key = this.#read(keyAt, keyLength, 'failed to read out-bound meta key memory: prevented read')
        const value = this.#read(at, length, 'failed to read out-bound meta value memory: prevented read')
        if (key !== undefined && value !== undefined) {
          this.#message = this.#message!.withMeta(utf8Text(key), utf8Text(value))
        }
      },
      v0_msg_get_meta: (at: number, length: number) => {
        const key = this.#read(at, length, 'failed to read out-bound meta key memory: prevented read')
        const value = key === undefined ? undefined : this.#message!.metadata.get(utf8Text(key))
        return this.#give(value === undefined ? new Uint8Array(0) : utf8Bytes(textOfMetadata(value)))
      },
    }
  }

  #give(bytes: Uint8Array): bigint {
    if (this.#allocate === undefined) {
      this.#fault = 'failed to allocate in-bound memory: the module exports neither malloc nor allocate'
      return 0n
    }
    const at = Number(this.#allocate(bytes.length)) >>> 0
    this.#given.push(at)
    const { buffer } = this.#memory
    if (at + bytes.length > buffer.byteLength) {
      this.#fault = 'failed to allocate in-bound memory: failed to write in-bound memory'
      return 0n
    }
    new Uint8Array(buffer, at, bytes.length).set(bytes)
    return (BigInt(at) << 32n) | BigInt(bytes.length)
  }

  /** Copies a range of the guest's memory, which is then freed; undefined if the range is invalid. */
  #read(signedAt: number, signedLength: number, fault: string): Uint8Array | undefined {
    const [at, length] = [signedAt >>> 0, signedLength >>> 0]
    const { buffer } = this.#memory
    if (at + length > buffer.byteLength) {
      this.#fault = fault
      return undefined
    }
    const bytes = new Uint8Array(buffer, at, length).slice()
    this.#deallocate?.(at, length)
    return bytes
  }
}

function withWritten(message: string, written: string): string {
  return written === '' ? message : `${message}: ${written}`
}
