// Checks invariants with random mappings: `npm run fuzz -- --minutes 60 --seed 1`. With ORIGINAL=PROGRAM in the
// environment, results are also compared with the original's. `--case N` runs one case and prints it.
import { messageOf } from '../../src/base/index.ts'
import { appendFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type FuzzCase, makeCase } from './case.ts'
import { readCorpus } from './corpus.ts'
import { Original } from './original.ts'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    case: { type: 'string' },
    out: { type: 'string', default: '' },
  },
})
const HANG_MS = 20_000
const seed = Number(flags.seed)
const endsAt = Date.now() + Number(flags.minutes) * 60_000
const corpus = readCorpus()
let findings = 0

if (flags.case === undefined) {
  const tried = await (process.env['ORIGINAL'] === undefined ? checkInvariants() : compare(process.env['ORIGINAL']))
  console.log(`${tried} cases of seed ${seed}, ${findings} findings`)
  if (findings > 0) process.exitCode = 1
} else {
  const fuzzCase = makeCase(seed, Number(flags.case), corpus)
  console.log(fuzzCase.kind, `\n${fuzzCase.text}\n${fuzzCase.document}`)
  const program = process.env['ORIGINAL']
  if (program !== undefined) {
    const original = new Original(program)
    console.log(await original.differs(mappingOf(fuzzCase), fuzzCase.document))
    original.close()
  }
}

/** Runs the checks until the time is up and returns the number of cases. A worker that hangs or dies is replaced. */
async function checkInvariants(): Promise<number> {
  const present = new Int32Array(new SharedArrayBuffer(4))
  const first = Number(flags.from)
  let from = first
  while (Date.now() < endsAt) {
    Atomics.store(present, 0, from)
    const worker = new Worker(new URL('./fuzz.worker.ts', import.meta.url), { workerData: { seed, from, present } })
    let death: string | null = null
    worker.on('message', ({ number, problem }: { readonly number: number; readonly problem: string }) => {
      report(number, problem)
    })
    worker.on('error', error => {
      death = `the worker died: ${messageOf(error)}`
    })
    let last = { number: -1, since: Date.now() }
    while (death === null && Date.now() < endsAt) {
      await wait(200)
      const number = Atomics.load(present, 0)
      if (number !== last.number) last = { number, since: Date.now() }
      else if (Date.now() - last.since > HANG_MS) death = `no progress for ${HANG_MS} ms`
    }
    await worker.terminate()
    const number = Atomics.load(present, 0)
    if (death !== null) report(number, death)
    from = number + 1
  }
  return from - first
}

/** Compares results until the time is up and returns the number of cases. */
async function compare(program: string): Promise<number> {
  const original = new Original(program)
  let number = Number(flags.from)
  for (; Date.now() < endsAt; number++) {
    const fuzzCase = makeCase(seed, number, corpus)
    if (!isComparable(fuzzCase)) continue
    const difference = await original.differs(mappingOf(fuzzCase), fuzzCase.document)
    if (difference !== null) report(number, `ours     ${difference.ours}\n  original ${difference.original}`)
  }
  original.close()
  return number - Number(flags.from)
}

function mappingOf({ kind, text }: FuzzCase): string {
  return kind === 'untouched' ? `root = ${text}` : text
}

/** Whether the original's result is deterministic and fast: no randomness, no clock, nothing huge. */
function isComparable({ kind, text }: FuzzCase): boolean {
  if (kind === 'growth' || text.length > 3000) return false
  return !/import|from\s|now\(|random|uuid|fake|nanoid|ulid|ksuid|snowflake|timestamp_unix|count|hostname|compress|encrypt|sign_jwt|\d{6}/.test(
    text,
  )
}

function report(number: number, problem: string): void {
  findings++
  const { kind, text, document } = makeCase(seed, number, corpus)
  const shown = `case ${number} (${kind}): ${JSON.stringify(text.slice(0, 3000))} on ${document.slice(0, 500)}\n  ${problem.slice(0, 3000)}\n`
  if (flags.out === '') console.log(shown)
  else appendFileSync(flags.out, `${shown}\n`)
}
