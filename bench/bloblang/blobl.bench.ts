// How many documents per second does `penstock blobl` map, as a whole process including its start? With
// ORIGINAL=path/to/bento the original runs on the same file in the same run, and the two outputs must be identical.
// Figures: bench/README.md.  About 0.08 s of each run is the start, and 0.15 s or more the time until the code is
// compiled. What helps most: fields that the mapping only copies are never parsed (`json/project.ts`), which is half of
// the time of `root = this`; the order of the fields is that of the previous document; each chunk is decoded to text as
// a whole.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'

const COUNT = 100_000
const RUNS = 3

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'bench-blobl-'))
const input = join(folder, 'in.jsonl')
writeFileSync(input, documents())
const ours = [join(root, 'bin/penstock')]
const theirs = process.env['ORIGINAL'] === undefined ? null : [process.env['ORIGINAL']]

for (const file of globSync(join(import.meta.dirname, 'mappings/*.blobl')).toSorted()) {
  const mine = best(ours, file)
  const parts = [`${basename(file, '.blobl').padEnd(24)} ${rate(mine.seconds)} docs/s`]
  if (theirs !== null) {
    const other = best(theirs, file)
    const same = other.digest === mine.digest ? 'same bytes' : 'DIFFERENT BYTES'
    parts.push(`original ${rate(other.seconds)} docs/s`, `${(other.seconds / mine.seconds).toFixed(2)} times`, same)
    if (other.digest !== mine.digest) process.exitCode = 1
  }
  console.log(parts.join(' · '))
}
rmSync(folder, { recursive: true })

function best(command: readonly string[], mapping: string): { readonly seconds: number; readonly digest: string } {
  let seconds = Number.POSITIVE_INFINITY
  let digest = ''
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now()
    const result = spawnSync(command[0]!, [...command.slice(1), 'blobl', '-f', mapping], {
      stdio: [openSync(input, 'r'), 'pipe', 'ignore'],
      maxBuffer: 1 << 30,
    })
    seconds = Math.min(seconds, (performance.now() - startedAt) / 1000)
    digest = createHash('sha256').update(result.stdout).digest('hex')
  }
  return { seconds, digest }
}

function rate(seconds: number): string {
  return Math.round(COUNT / seconds)
    .toLocaleString('en')
    .padStart(9)
}

/** Events of a shop, about 210 bytes each, deterministic. */
function documents(): string {
  let seed = 1
  const next = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  const lines = Array.from({ length: COUNT }, (_, i) =>
    JSON.stringify({
      id: i,
      user: { name: `user-${i % 1000}`, age: i % 90, email: `u${i % 1000}@example.com` },
      event: ['view', 'click', 'buy'][Math.floor(next() * 3)],
      ts: 1_700_000_000 + i,
      price: Math.round(next() * 10_000) / 100,
      tags: ['a', 'b', 'c'].slice(0, i % 4),
      message: 'x'.repeat(20 + (i % 80)),
    }),
  )
  return `${lines.join('\n')}\n`
}
