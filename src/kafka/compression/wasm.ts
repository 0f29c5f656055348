// Snappy and LZ4 run in the WebAssembly module of @platformatic/wasm-utils, but not through its loader, whose single
// instance stays broken after one corrupt input. Here an instance that has thrown, or has grown large, is discarded.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

type Operation = 'lz4_compress' | 'lz4_decompress' | 'snappy_compress' | 'snappy_decompress'

type Exports = Record<Operation, (at: number, length: number) => bigint> & {
  readonly memory: { readonly buffer: ArrayBuffer }
  alloc(length: number): number
  dealloc(at: number, length: number): void
}

/** The standard API, which Node's types omit. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

// Node's types omit WebAssembly.
const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly

/** Linear memory never shrinks, so an instance with more than this many bytes is not kept. */
const keptBytes = 32 * 1024 * 1024

let compiled: object | undefined
let instance: Exports | undefined

/** Runs one operation on a copy of `data`. An operation that throws leaves no state behind. */
export function runWasm(operation: Operation, data: Buffer): Buffer {
  const wasm = (instance ??= instantiate())
  // Stays unset if the operation throws, so that the next call creates a new instance.
  instance = undefined
  const input = wasm.alloc(data.length)
  new Uint8Array(wasm.memory.buffer, input, data.length).set(data)
  // The result is one 64-bit value: its address in the upper half, its length in the lower half.
  const packed = wasm[operation](input, data.length)
  const length = Number(BigInt.asUintN(32, packed))
  const output = Number(packed >> 32n)
  const result = Buffer.from(new Uint8Array(wasm.memory.buffer, output, length))
  wasm.dealloc(output, length)
  wasm.dealloc(input, data.length)
  if (wasm.memory.buffer.byteLength <= keptBytes) instance = wasm
  return result
}

function instantiate(): Exports {
  compiled ??= new Module(readFileSync(modulePath()))
  // According to the module's documentation its exports have these types.
  return new Instance(compiled).exports as Exports
}

function modulePath(): string {
  const entry = createRequire(import.meta.url).resolve('@platformatic/wasm-utils')
  return join(dirname(entry), 'native.wasm')
}
