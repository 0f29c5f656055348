// Snappy and LZ4 run in the WebAssembly module of @platformatic/wasm-utils, but not through its loader: after one corrupt
// input its single instance stays broken for good. Here an instance that has thrown, or has grown large, is thrown away.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

type Operation = 'lz4_compress' | 'lz4_decompress' | 'snappy_compress' | 'snappy_decompress'

type Exports = Record<Operation, (at: number, length: number) => bigint> & {
  readonly memory: { readonly buffer: ArrayBuffer }
  alloc(length: number): number
  dealloc(at: number, length: number): void
}

/** The standard's API, which the types of Node leave out. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

// The types of Node are without WebAssembly.
const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly

/** Linear memory never shrinks, so an instance beyond this is not kept. */
const keptBytes = 32 * 1024 * 1024

let compiled: object | undefined
let instance: Exports | undefined

/** Runs one operation over a copy of `data`. What it throws leaves nothing behind. */
export function runWasm(operation: Operation, data: Buffer): Buffer {
  const wasm = (instance ??= instantiate())
  // A new one is made next time, unless all goes well.
  instance = undefined
  const input = wasm.alloc(data.length)
  new Uint8Array(wasm.memory.buffer, input, data.length).set(data)
  // The result comes as one 64-bit value: where it is, and its length in the lower half.
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
  // The module's exports have these types by its own documentation.
  return new Instance(compiled).exports as Exports
}

function modulePath(): string {
  const entry = createRequire(import.meta.url).resolve('@platformatic/wasm-utils')
  return join(dirname(entry), 'native.wasm')
}
