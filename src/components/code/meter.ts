import { METER_EXPORTS } from './metered-module.ts'
import {
  wasm,
  type WasmExports,
  type WasmFunction,
  type WasmGlobal,
  type WasmModule,
  type WasmTable,
} from './webassembly.ts'

/** What a module counts down before the clock is checked: a few milliseconds of loops. */
const FUEL = 1_000_000

/** Stops a module rewritten by `metered` when its time is up. */
export class Meter {
  readonly #monotonic: () => number
  readonly #limitMs: number
  #fuel: WasmGlobal | undefined
  /** Set when the clock is first checked; short calls end before that. */
  #deadline: number | undefined
  #isStopped = false
  #isOver = false

  /** `monotonic` returns milliseconds. */
  constructor(limitMs: number, monotonic: () => number) {
    this.#limitMs = limitMs
    this.#monotonic = monotonic
  }

  /** Whether the module was stopped because its time was up. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Takes control of an instance. */
  attach(exports: WasmExports): void {
    // Every module returned by `metered` exports both.
    this.#fuel = exports[METER_EXPORTS.fuel] as WasmGlobal
    const table = exports[METER_EXPORTS.table] as WasmTable // exported by the meter
    table.set(
      0,
      wasmFunction(() => this.#refuel()),
    )
    this.#fuel.value = FUEL
  }

  /** Resets the time limit. */
  restart(): void {
    this.#deadline = undefined
  }

  /** Extends the time limit, for time that the module spent waiting. */
  extend(ms: number): void {
    if (this.#deadline !== undefined) this.#deadline += ms
  }

  /** Makes the module end at its next step. */
  stop(): void {
    this.#isStopped = true
    this.#fuel!.value = 0
  }

  #refuel(): void {
    if (this.#isStopped) return
    const now = this.#monotonic()
    this.#deadline ??= now + this.#limitMs
    this.#isOver = now >= this.#deadline
    if (!this.#isOver) this.#fuel!.value = FUEL
  }
}

/**
 * Turns a JavaScript function into a WebAssembly one, as tables require, by exporting it from a module that imports it.
 */
function wasmFunction(call: () => void): WasmFunction {
  passThrough ??= new wasm.Module(
    Uint8Array.of(
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
      ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // a type: no parameters, no results
      ...[0x02, 0x07, 0x01, 0x01, 0x65, 0x01, 0x66, 0x00, 0x00], // import the function e.f of that type
      ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00], // export it as f
    ),
  )
  // Its only export is this function.
  return new wasm.Instance(passThrough, { e: { f: call } }).exports['f'] as WasmFunction
}

let passThrough: WasmModule | undefined
