import { messageOf } from '../base/index.ts'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { utf8Text } from '../bloblang/index.ts'
import { systemHost } from '../host/index.ts'
import { errorPaint, type Paint } from './blobl-colors.ts'
import { type BloblFlags, type BloblJob, compileJob, runJob } from './blobl-job.ts'

/** Maps the lines of standard input. `inline`: the mapping, or an empty text. Resolves to the exit code. */
export async function runBlobl(flags: BloblFlags, inline: string): Promise<number> {
  if (flags.file !== '' && inline !== '') {
    return complain(paint('invalid flags, unable to execute both a file mapping and an inline mapping'))
  }
  let text = inline
  if (flags.file !== '') {
    try {
      text = utf8Text(systemHost.readFile(flags.file)).toWellFormed()
    } catch (error) {
      return complain(paint(`failed to read mapping file: ${messageOf(error)}`))
    }
  }
  const job: BloblJob = { mapping: text, flags }
  const { mapping, diagnostics } = compileJob(job)
  if (mapping === undefined) return complain(`${paint('failed to parse mapping:')} ${diagnostics[0]!.excerpt}`)
  const threads = flags.threads > 1 && !sharesState(job) ? Math.min(flags.threads, availableParallelism()) : 1
  if (threads > 1 || mapping.recursive) {
    const { runInThreads } = await import('./blobl-threads.ts')
    return await runInThreads(job, threads, mapping.recursive)
  }
  return runJob(job, mapping, paint)
}

/** Functions with state across calls: two threads would return the same values twice. */
const STATEFUL_FUNCTIONS = ['count', 'counter', 'random_int', 'snowflake_id']

function sharesState(job: BloblJob): boolean {
  return compileJob(job, STATEFUL_FUNCTIONS).mapping === undefined
}

function complain(text: string): number {
  process.stderr.write(`${text}\n`)
  return 1
}

let known: Paint | undefined

/** Checks for a terminal only at the first error, because the check takes a while. */
function paint(text: string): string {
  return (known ??= errorPaint())(text)
}
