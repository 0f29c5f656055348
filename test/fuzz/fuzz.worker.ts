// Tries case after case and tells what is wrong. Which case it is at stands in shared memory, so that whoever watches it can
// tell a hang.
import { parentPort, workerData } from 'node:worker_threads'
import { type FuzzCase, makeCase } from './case.ts'
import { checkGrowth, checkRun, checkText, checkUntouched } from './checks.ts'
import { readCorpus } from './corpus.ts'

// What main.ts starts this thread with.
const { seed, from, present } = workerData as {
  readonly seed: number
  readonly from: number
  readonly present: Int32Array
}
const corpus = readCorpus()
for (let number = from; ; number++) {
  Atomics.store(present, 0, number)
  const problem = attempt(makeCase(seed, number, corpus))
  if (problem !== null) parentPort!.postMessage({ number, problem })
}

function attempt(fuzzCase: FuzzCase): string | null {
  try {
    return check(fuzzCase)
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}

function check({ kind, text, document }: FuzzCase): string | null {
  if (kind === 'growth') return checkGrowth(text)
  if (kind === 'untouched') return checkUntouched(text, document)
  return checkText(text) ?? checkRun(text, document)
}
