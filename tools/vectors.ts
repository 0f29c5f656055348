// Runs recorded cases of the mapping language through the compiled code: `npm run vectors -- FILE.jsonl …`.
// Prints one line per failure (id, mapping, input, expected, got), and for each file `NAME: N passed, N failed`.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import process from 'node:process'
import { EXCEPTIONS } from './vectors/exceptions.ts'
import { runVector } from './vectors/run.ts'
import { readVector } from './vectors/values.ts'

let failures = 0
for (const file of process.argv.slice(2)) {
  const counts = { passed: 0, failed: 0, excepted: 0 }
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.trim() === '') continue
    const vector = readVector(line)
    const id = typeof vector.id === 'string' ? vector.id : `${basename(file, '.jsonl')}:${index + 1}`
    if (EXCEPTIONS.has(id)) {
      counts.excepted++
      continue
    }
    const problem = attempt(() => runVector(vector))
    if (problem === null) counts.passed++
    else {
      counts.failed++
      console.log(`${id} ${problem}`)
    }
  }
  failures += counts.failed
  const note = counts.excepted === 0 ? '' : ` (${counts.excepted} differ on purpose: tools/vectors/exceptions.ts)`
  console.log(`${basename(file, '.jsonl')}: ${counts.passed} passed, ${counts.failed} failed${note}`)
}
if (failures > 0) process.exitCode = 1

function attempt(run: () => string | null): string | null {
  try {
    return run()
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}
