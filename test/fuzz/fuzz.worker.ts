// Runs one case after another and reports problems. The number of the current case is in shared memory, so that main.ts
// can identify a case that hangs.
import { parentPort, workerData } from 'node:worker_threads'
import { type FuzzCase, makeCase } from './case.ts'
import { checkGrowth, checkRun, checkText, checkUntouched } from './checks.ts'
import { readCorpus } from './corpus.ts'

// The start parameters from main.ts.
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
