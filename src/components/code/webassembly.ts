/** The parts of the standard API that are used here; Node's types leave them out. */
interface WebAssemblyApi {
  readonly Module: (new (
    bytes: Uint8Array<ArrayBuffer>,
  ) => WasmModule) & {
    imports(module: WasmModule): readonly WasmImport[]
  }
  readonly Instance: new (module: WasmModule, imports: WasmImports) => { readonly exports: WasmExports }
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => WasmMemory
  /** Lets the module wait for a promise returned by an imported function. Since Node 25. */
  readonly Suspending?: new (
    call: (...values: number[]) => unknown,
  ) => object
  /** Wraps an exported function in which the module may wait. */
  readonly promising?: <T extends unknown[], R>(call: (...values: T) => R) => (...values: T) => Promise<R>
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule>
}

/** An import that a module requires. */
interface WasmImport {
  readonly module: string
  readonly name: string
}

/** A compiled module. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string
}

export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>
export type WasmExports = Readonly<Record<string, unknown>>
export type WasmFunction = (...values: unknown[]) => unknown

export interface WasmMemory {
  readonly buffer: ArrayBuffer
}

export interface WasmGlobal {
  value: number
}

export interface WasmTable {
  set(index: number, value: unknown): void
}

// Every supported version of Node has these.
export const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly
