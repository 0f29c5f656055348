// Runs the benchmarks, one folder per question: `npm run bench`, or `npm run bench -- produce` for those whose path
// contains the word.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))
const only = process.argv.slice(2)
let failed = 0
for (const file of globSync('bench/**/*.bench.ts').toSorted()) {
  if (only.length > 0 && !only.some(word => file.includes(word))) continue
  console.log(`\n# ${file}`)
  const result = spawnSync(process.execPath, [file], { stdio: 'inherit' })
  if (result.status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1
