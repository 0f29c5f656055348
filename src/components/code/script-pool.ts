import type { MaybePromise } from '../../engine/index.ts'
import type { ScriptVm } from './script-vm.ts'

/** The VMs of one processor: each runs one script at a time, and one that was stopped is replaced. */
export class ScriptPool {
  readonly #start: () => Promise<ScriptVm>
  readonly #most: number
  readonly #idle: ScriptVm[] = []
  readonly #waiting: (() => void)[] = []
  #count = 0

  constructor(start: () => Promise<ScriptVm>, most: number) {
    this.#start = start
    this.#most = most
  }

  /** Acquires an idle VM, synchronously if there is one. */
  take(): MaybePromise<ScriptVm> {
    return this.#idle.pop() ?? this.#takeLater()
  }

  /** Returns a VM to the pool. */
  give(vm: ScriptVm): void {
    if (vm.isBroken) this.#count--
    else this.#idle.push(vm)
    this.#waiting.shift()?.()
  }

  async #takeLater(): Promise<ScriptVm> {
    for (;;) {
      const vm = this.#idle.pop()
      if (vm !== undefined) return vm
      if (this.#count < this.#most) return this.#grow()
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async #grow(): Promise<ScriptVm> {
    this.#count++
    try {
      return await this.#start()
    } catch (error) {
      this.#count--
      this.#waiting.shift()?.()
      throw error
    }
  }
}
