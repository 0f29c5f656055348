import { fileErrorText, messageOf } from '../../base/index.ts'
import {
  ConfigError,
  defineProcessor,
  field,
  type MaybePromise,
  type Message,
  perMessage,
  type Resources,
} from '../../engine/index.ts'
import { Guest } from './guest.ts'
import { afterTurn, memoryLimitField, TimeoutError, timeLimitField } from './limits.ts'
import { metered } from './metered-module.ts'
import { wasm, type WasmModule } from './webassembly.ts'

export default defineProcessor({
  name: 'wasm',
  status: 'experimental',
  categories: ['Utility'],
  summary: 'Calls a function of a WebAssembly module for each message.',
  description: `The module interface is the original's: guests built for it run unchanged, such as those built with its libraries for TinyGo and Rust. The function has neither parameters nor results. It reads and modifies its message with these imports from the module \`bento_wasm\`:

| function | what it does |
|---|---|
| \`v0_msg_as_bytes() → i64\` | returns the body |
| \`v0_msg_set_bytes(at: i32, length: i32)\` | replaces the body |
| \`v0_msg_get_meta(at: i32, length: i32) → i64\` | returns the metadata of a key as text, empty if there is none |
| \`v0_msg_set_meta(keyAt: i32, keyLength: i32, at: i32, length: i32)\` | sets the metadata of a key |

Data for the module is written to memory returned by its export \`malloc\` or \`allocate\`; the result has the address in its upper 32 bits and the length in its lower 32 bits. \`free\` is called with the address when the function has returned. If there is an export \`deallocate\`, it is called with the address and length of the data that the module passed out. The memory must be exported as \`memory\`.

\`_start\`, or otherwise \`_initialize\`, is called once per instance. The functions of WASI preview 1 are available: time and random bytes are real, there are no files, arguments or environment variables, and output to the standard streams is shown only when the module fails.

If a module traps, exits, exceeds \`time_limit\` or recurses too deeply, its message is left unchanged and flagged as failed; the other messages of a batch continue, whereas the original would flag them all. The next message gets a new instance.`,
  config: field.object({
    module_path: field.string('The path of the module.').needs('files'),
    function: field.string('The name of the function to call for each message.').default('process'),
    time_limit: timeLimitField,
    memory_limit_mib: memoryLimitField,
  }),
  async create(config, resources) {
    const module = await compiled(config.module_path, config.memory_limit_mib * 1024 * 1024, resources)
    const guests = new Guests(module, config.function, config.time_limit ?? Number.POSITIVE_INFINITY, resources)
    guests.check()
    return perMessage(message => guests.run(message))
  },
})

async function compiled(path: string, memoryBytes: number, { host }: Resources): Promise<WasmModule> {
  let bytes: Uint8Array
  try {
    bytes = await host.files.readFile(path)
  } catch (error) {
    throw new ConfigError(fileErrorText('open', path, error), { cause: error })
  }
  try {
    return await wasm.compile(metered(bytes, memoryBytes))
  } catch (error) {
    throw new ConfigError(`the module ${path} cannot be used: ${messageOf(error)}`, { cause: error })
  }
}

/** One instance at a time, replaced when it was stopped. */
class Guests {
  readonly #module: WasmModule
  readonly #functionName: string
  readonly #timeMs: number
  readonly #resources: Resources
  #guest: Guest | undefined

  constructor(module: WasmModule, functionName: string, timeMs: number, resources: Resources) {
    this.#module = module
    this.#functionName = functionName
    this.#timeMs = timeMs
    this.#resources = resources
  }

  /** Throws a {@link ConfigError} if the module cannot be instantiated. */
  check(): void {
    try {
      this.#guest = this.#make()
    } catch (error) {
      throw new ConfigError(`the module cannot be used: ${messageOf(error)}`, { cause: error })
    }
  }

  run(message: Message): MaybePromise<Message> {
    try {
      this.#guest ??= this.#make()
      return this.#guest.run(message)
    } catch (error) {
      if (this.#guest?.isBroken !== false) this.#guest = undefined
      const failed = () => this.#resources.fail(message, error)
      return error instanceof TimeoutError ? afterTurn(this.#resources, failed) : failed()
    }
  }

  #make(): Guest {
    const { clock, host } = this.#resources
    return new Guest(this.#module, this.#functionName, this.#timeMs, {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      randomBytes: count => host.randomBytes(count),
    })
  }
}
