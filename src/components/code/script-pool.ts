import type { MaybePromise } from '../../engine/index.ts'
import type { ScriptVm } from './script-vm.ts'

/** Machines of one processor: each runs one script at a time, and one that was stopped is followed by another. */
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

  /** A machine that nobody else uses, at once where there is one. */
  take(): MaybePromise<ScriptVm> {
    return this.#idle.pop() ?? this.#takeLater()
  }

  /** Hands a machine back. */
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
