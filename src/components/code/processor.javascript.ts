import { dirname } from 'node:path'
import { fileErrorText, messageOf } from '../../base/index.ts'
import {
  addressOfUrl,
  andThen,
  ConfigError,
  defineProcessor,
  field,
  HttpTransport,
  type MaybePromise,
  type Message,
  type Need,
  perMessage,
  type Resources,
} from '../../engine/index.ts'
import { afterTurn, memoryLimitField, TimeoutError, timeLimitField } from './limits.ts'
import { ScriptModules } from './script-modules.ts'
import { ScriptPool } from './script-pool.ts'
import { Subject } from './script-subject.ts'
import { MustWaitError, type ScriptLimits, ScriptVm } from './script-vm.ts'

/** Maximum number of scripts of one processor that wait for responses. */
const MOST_WAITING = 16
const MIB = 1024 * 1024

export default defineProcessor({
  name: 'javascript',
  status: 'experimental',
  categories: ['Mapping'],
  summary: 'Runs a JavaScript program on each message.',
  description: `The program runs once for each message, which it reads and modifies with the functions below. If it throws, its message is left unchanged and flagged as failed; the other messages of a batch continue, whereas the original would flag them all.

### The isolate

Programs run in [QuickJS](https://github.com/quickjs-ng/quickjs), a complete implementation of ECMAScript 2023, inside a WebAssembly module. They share neither objects nor memory with the engine or with other processors, and have access to nothing but the functions below: no files, no environment variables, no timers. A program that exceeds \`time_limit\` or \`memory_limit_mib\` is stopped, and its message is flagged as failed.

What a program stores in \`globalThis\`, or declares with \`var\` at the top level, is visible to the next message. It is lost when a program is stopped, and each thread has its own copy, so do not rely on it.

A program may use \`await\` at the top level, and if its last value is a promise, the program ends when the promise settles.

Numbers are JavaScript numbers. A field whose value a program leaves in place nevertheless keeps all of its digits, including integers beyond 2^53.

### Modules

\`require('./name')\` loads a module relative to \`file\`, or to the working directory; \`require('name')\` loads one from \`node_modules\` or from one of the \`global_folders\`. A module is \`name\`, \`name.js\`, \`name.json\`, or a folder with a \`package.json\` or an \`index.js\`. \`console\` is available, also as a module, and writes to the log.

### Functions

| function | what it does |
|---|---|
| \`bento.v0_msg_as_string()\` | returns the body as text |
| \`bento.v0_msg_set_string(text)\` | replaces the body |
| \`bento.v0_msg_as_structured()\` | returns the document in the body; throws if it is not one |
| \`bento.v0_msg_set_structured(value)\` | replaces the body with a document, as \`JSON.stringify\` prints it |
| \`bento.v0_msg_exists_meta(key)\` | returns whether the message has a metadata key |
| \`bento.v0_msg_get_meta(key)\` | returns the metadata of a key as text; throws if there is none |
| \`bento.v0_msg_set_meta(key, value)\` | sets the metadata of a key to any value |
| \`bento.v0_fetch(url, headers, method, body)\` | sends an HTTP request and returns \`{ status, body }\`; throws if there is no response within a minute, or if it is larger than 32 MiB. Only the URL is required |`,
  config: field
    .object({
      code: field
        .string('The program. Either this or `file` is required.')
        .needsWhen(['network'], code => (typeof code === 'string' ? requestsIn(code) : []))
        .optional(),
      file: field.string('The path of a file that contains the program.').needs('files').optional(),
      global_folders: field.string('Additional folders to search for modules.').needs('files').list().default([]),
      time_limit: timeLimitField,
      memory_limit_mib: memoryLimitField,
    })
    .lint(value => {
      const { code, file } = value as { readonly code?: unknown; readonly file?: unknown } // typed as an object
      const [hasCode, hasFile] = [code, file].map(text => text !== undefined && text !== '')
      if (!hasCode && !hasFile) return 'either the code or file field must be specified'
      return hasCode && hasFile ? 'cannot specify both the code and file fields' : undefined
    }),
  requires: ['@jitl/quickjs-wasmfile-release-sync'],
  examples: [
    {
      title: 'Text',
      config: `javascript:
  code: 'bento.v0_msg_set_string(bento.v0_msg_as_string() + " and more");'
`,
      input: ['this'],
      output: ['this and more'],
    },
    {
      title: 'Documents',
      config: `javascript:
  code: |
    const order = bento.v0_msg_as_structured();
    order.total = order.items.reduce((sum, { price, count }) => sum + price * count, 0);
    delete order.items;
    bento.v0_msg_set_structured(order);
`,
      input: ['{"id":7,"items":[{"price":2.5,"count":2},{"price":4,"count":1}]}'],
      output: ['{"id":7,"total":9}'],
    },
  ],
  async create(config, resources) {
    const { code = '', file = '' } = config
    if (code === '' && file === '') throw new ConfigError('either the code or file field must be specified')
    const program = {
      fileName: file === '' ? 'main.js' : file,
      source: file === '' ? code : await sourceOf(file, resources),
      globalFolders: config.global_folders,
    }
    const limits = {
      timeMs: config.time_limit ?? Number.POSITIVE_INFINITY,
      memoryBytes: config.memory_limit_mib * MIB,
    }
    const scripts = new Scripts(program, limits, resources)
    await scripts.check()
    return {
      ...perMessage(message => scripts.run(message)),
      waits: scripts.mayWait,
      close: () => scripts.close(),
    }
  },
})

/** The servers named literally in a program's requests; requests to others are rejected when they are made. */
function requestsIn(code: string): readonly Need[] {
  const written = [...code.matchAll(/\bv0_fetch\(\s*['"`](https?:\/\/[^'"`$\s]+)/g)]
  return written.flatMap(([, url]): readonly Need[] => {
    const target = addressOfUrl(url!)
    return target === undefined ? [] : [{ capability: 'network', target }]
  })
}

async function sourceOf(file: string, { host }: Resources): Promise<string> {
  try {
    return (await host.files.readFile(file)).toString('utf8')
  } catch (error) {
    const reason = fileErrorText('open', file, error)
    throw new ConfigError(`failed to open target file: ${reason}`, { cause: error })
  }
}

interface Program {
  readonly fileName: string
  readonly source: string
  readonly globalFolders: readonly string[]
}

/** Runs a program on messages. */
class Scripts {
  readonly #program: Program
  readonly #limits: ScriptLimits
  readonly #resources: Resources
  readonly #modules: ScriptModules
  readonly #transport: HttpTransport
  readonly #subjects = new WeakMap<ScriptVm, Subject>()
  #mayWait: boolean
  #pool: ScriptPool

  constructor(program: Program, limits: ScriptLimits, resources: Resources) {
    this.#program = program
    this.#limits = limits
    this.#resources = resources
    this.#modules = new ScriptModules(resources.host.files, program.globalFolders)
    const { network } = resources.host
    this.#transport = new HttpTransport({ sockets: network, environment: network.proxyVariables })
    this.#mayWait = program.source.includes('v0_fetch')
    this.#pool = this.#newPool()
  }

  /** Whether a script is known to wait for responses. If only its modules do, this is found out when it happens. */
  get mayWait(): boolean {
    return this.#mayWait
  }

  /** Throws a {@link ConfigError} if the program does not compile. */
  async check(): Promise<void> {
    const vm = await this.#pool.take()
    this.#pool.give(vm)
  }

  run(message: Message): MaybePromise<Message> {
    const pool = this.#pool
    return andThen(pool.take(), vm => this.#runIn(vm, pool, message))
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  #runIn(vm: ScriptVm, pool: ScriptPool, message: Message): MaybePromise<Message> {
    const subject = this.#subjects.get(vm)!
    subject.begin(message)
    try {
      const outcome = vm.run(message.bytes())
      if (outcome instanceof Promise) {
        return outcome
          .then(
            bytes => subject.result(bytes),
            error => this.#failed(message, error),
          )
          .finally(() => pool.give(vm))
      }
      const result = subject.result(outcome)
      pool.give(vm)
      return result
    } catch (error) {
      pool.give(vm)
      return this.#failed(message, error)
    }
  }

  #failed(message: Message, error: unknown): MaybePromise<Message> {
    if (error instanceof TimeoutError) return afterTurn(this.#resources, () => this.#resources.fail(message, error))
    if (!(error instanceof MustWaitError)) return this.#resources.fail(message, error)
    // The script made a request that takes time: it is run again from the start, in a VM that can wait.
    if (!this.#mayWait) {
      this.#mayWait = true
      this.#pool = this.#newPool()
    }
    return this.run(message)
  }

  #newPool(): ScriptPool {
    return new ScriptPool(() => this.#newVm(), this.#mayWait ? MOST_WAITING : 1)
  }

  async #newVm(): Promise<ScriptVm> {
    const { clock } = this.#resources
    const subject = new Subject(this.#resources, this.#modules, this.#transport)
    const vm = await ScriptVm.start(this.#limits, subject, () => clock.monotonic(), this.#mayWait)
    this.#subjects.set(vm, subject)
    try {
      load(vm, this.#program)
    } catch (error) {
      throw new ConfigError(`failed to compile javascript code: ${messageOf(error)}`, { cause: error })
    }
    return vm
  }
}

/** Loads the program into a VM, as a function, since source text would be compiled again for each message. */
function load(vm: ScriptVm, { source, fileName }: Program): void {
  vm.allowModules(dirname(fileName))
  // A program with top-level `await` becomes an async function; one that does not need it is compiled like any other.
  if (/\bawait\b/.test(source) && !isPlain(vm, source)) {
    return vm.setFunction('(async function () {', source, '\n})', fileName)
  }
  vm.setFunction('(function () {', source, '\n})', fileName)
  if (/\basync\b/.test(source)) return vm.setSource(source, fileName)
  const names = vm.namesOf(source).filter(name => /^[\p{L}$_][\p{L}\p{N}$_]*$/u.test(name))
  if (names.length === 0) return
  // Top-level variables are global, so the next message sees them.
  const strict = /^\s*(?:'use strict'|"use strict")/.test(source) ? "'use strict';" : ''
  const before = names.map(name => `${name} = globalThis.${name};`).join(' ')
  const after = names.map(name => `globalThis.${name} = ${name};`).join(' ')
  vm.setFunction(`(function () {${strict}${before} try {`, source, `\n} finally {${after}}})`, fileName)
}

function isPlain(vm: ScriptVm, source: string): boolean {
  try {
    vm.setFunction('(function () {', source, '\n})', 'main.js')
    return true
  } catch {
    return false
  }
}
