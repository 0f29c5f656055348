// Runs simulations with many seeds, on all cores:
//   node test/simulation/main.ts [--of log,transactions,placement] [--seeds 1-1000]
// A seed that fails is reported and fails again: `--seeds N-N` repeats it. The tests run a few seeds each; outside of
// Node's test runner, which follows every promise, a seed takes less than half of the time.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { LogSimulation } from './log.ts'
import { PlacementSimulation } from './placement.ts'
import { TransactionsSimulation } from './transactions.ts'

const simulations: Readonly<Record<string, new (seed: number) => { run(): Promise<number> }>> = {
  log: LogSimulation,
  transactions: TransactionsSimulation,
  placement: PlacementSimulation,
}

/** A share of the seeds: every `step`th. */
interface Share {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly step: number
}

if (isMainThread) await runAll()
else await runShare(workerData as Share) // set below

async function runAll(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      of: { type: 'string', default: Object.keys(simulations).join(',') },
      seeds: { type: 'string', default: '1-1000' },
    },
  })
  const [first = NaN, last = NaN] = flags.seeds.split('-').map(Number)
  const names = flags.of.split(',')
  if (!(first <= last)) throw new Error(`--seeds has to be FIRST-LAST, not ${flags.seeds}`)
  for (const name of names) if (!(name in simulations)) throw new Error(`there is no simulation ${name}`)
  const step = availableParallelism()
  for (const name of names) {
    const startedAt = performance.now()
    const shares = Array.from({ length: step }, (_, index) => ({ name, first: first + index, last, step }))
    const failed = (await Promise.all(shares.map(inThread))).reduce((sum, some) => sum + some, 0)
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${name} ${flags.seeds}: ${failed} failed, ${seconds} s`)
    if (failed > 0) process.exitCode = 1
  }
}

/** Resolves to the number of seeds that failed. */
async function inThread(share: Share): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { workerData: share })
  let failed = 0
  worker.on('message', (finding: string) => {
    failed++
    console.log(`FAIL ${share.name} ${finding}`)
  })
  await once(worker, 'exit')
  return failed
}

async function runShare({ name, first, last, step }: Share): Promise<void> {
  for (let seed = first; seed <= last; seed += step) {
    try {
      await new simulations[name]!(seed).run()
    } catch (error) {
      parentPort!.postMessage(
        `seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    }
  }
}
