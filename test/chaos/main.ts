// Runs clusters under faults, records what their clients do and see, and looks for anomalies in this history
// (`anomalies.ts`):    node test/chaos/main.ts [--seed 1] [--runs 1] [--seconds 60] [--logs DIR]
// [--program dist/penstock.mjs]  Each run has its own cluster: three agents, two control planes, PostgreSQL, an S3
// server. Its seed determines the faults and their times; `--seed N` repeats those of
// a failed run, whose log files are kept in `--logs`. It needs the built program: npm run build.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runUnderFaults } from './run.ts'

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    runs: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    logs: { type: 'string' },
    program: { type: 'string', default: join(import.meta.dirname, '../../dist/penstock.mjs') },
  },
})
let failed = 0
for (let index = 0; index < Number(flags.runs); index++) {
  const seed = Number(flags.seed) + index
  // If a cluster does not even start or stop, the other runs continue.
  const { findings, summary, faults } = await runUnderFaults({
    seed,
    seconds: Number(flags.seconds),
    program: flags.program,
    logFolder: flags.logs,
  }).catch((error: unknown) => ({ findings: [String(error)], summary: 'not ended', faults: [] }))
  console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'} seed ${seed}: ${summary}`)
  if (findings.length === 0) continue
  failed++
  for (const fault of faults) console.log(`       ${fault}`)
  for (const finding of findings.slice(0, 20)) console.log(`     ${finding}`)
}
// A client that is gone may have left a timer.
process.exit(failed === 0 ? 0 : 1)
