import { enableCompileCache } from 'node:module'
import process from 'node:process'

/** A command that Penstock adds; every other word and flag is the stream engine's command line (`bento.ts`). */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** Runs with the words behind the command's name and resolves to the exit code. */
  run(args: readonly string[]): Promise<number>
}

const commands: Readonly<Record<string, () => Promise<{ default: Command }>>> = {
  playground: () => import('./playground.ts'),
  standalone: () => import('./standalone.ts'),
}

enableCompileCache()
const [word, ...rest] = process.argv.slice(2)
const load = word === undefined ? undefined : Object.hasOwn(commands, word) ? commands[word] : undefined
if (load === undefined) {
  const { runBento } = await import('./bento.ts')
  process.exitCode = await runBento(process.argv.slice(2))
} else {
  process.exitCode = await (await load()).default.run(rest)
}
