// Sends damaged requests of all Kafka APIs to brokers in this process, and looks for crashes, internal errors, answers
// that cannot be read, and other clients that notice:    npm run fuzz:kafka -- [--frames 1000000] [--seed 1]
// [--round 20000]  Each round has a new broker and its own seed, which repeats it: --seed N --frames ROUND.
import { parseArgs } from 'node:util'
import { fuzzBroker } from './fuzz-broker.ts'

const { values: flags } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    round: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const frames = Number(flags.frames)
const startedAt = performance.now()
let sent = 0
let failed = 0
for (let seed = Number(flags.seed); sent < frames; seed++) {
  const result = await fuzzBroker({ seed, frames: Math.min(Number(flags.round), frames - sent) })
  sent += result.frames
  const { findings } = result
  failed += findings.length
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  console.log(
    `${findings.length === 0 ? 'ok  ' : 'FAIL'} seed ${seed}: ${result.frames} frames, ${result.answers} answers, ` +
      `${result.refused} connections refused; ${sent} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; ` +
      `${Math.round(rss / 2 ** 20)} MB, heap ${Math.round(heapUsed / 2 ** 20)} MB`,
  )
  for (const finding of findings.slice(0, 20)) console.log(`     ${finding.slice(0, 3000)}`)
}
process.exit(failed === 0 ? 0 : 1)
