// How long each function and method takes, and compared with the original's program if ORIGINAL names one: the same
// mapping over the same file, as whole processes, in processor time, minus that of a mapping that calls nothing.
// README.md describes how to run it and its results.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import {
  BodyView,
  compileMapping,
  type Mapping,
  MappingError,
  MetadataDraft,
  printJson,
  utf8Text,
} from '../../src/bloblang/index.ts'
import { systemHost } from '../../src/host/index.ts'
import { functionCases } from './functions-cases.ts'
import type { FunctionCase } from './functions-samples.ts'

/** Calls on a line: many, so that reading and writing the line matters little in comparison. */
const CALLS = 10
const SAMPLE_MS = Number(process.env['SAMPLE_MS'] ?? 40)
/** The amount of work for a process, in milliseconds at our own speed. */
const PROCESS_MS = Number(process.env['PROCESS_MS'] ?? 200)
const ROUNDS = Number(process.env['ROUNDS'] ?? 2)
/** Cases that take longer than this get fewer lines. */
const SLOW_NS = 50_000
const LINES = { least: 5, most: 50_000 }

interface Row {
  readonly name: string
  readonly ours: number
  readonly note: string
  readonly beside?: { readonly ours: number; readonly original: number }
}

const theOriginal = process.env['ORIGINAL']
const program = process.env['PROGRAM'] ?? join(import.meta.dirname, '../../bin/penstock')
const only = process.argv.slice(2)
/** The total length of the output, so that no engine can skip unused output. */
let printedLength = 0
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
writeFileSync(join(folder, 'side.json'), '{"id":7,"text":"beside the mapping"}')
try {
  const rows: Row[] = []
  const wanted = (name: string) => only.length === 0 || only.some(word => name.includes(word))
  for (const item of functionCases(folder, process.env['GEOIP'] ?? null, wanted)) {
    if (!wanted(item.name)) continue
    const row = attempt(item)
    rows.push(row)
    if (process.stderr.isTTY || process.env['PROGRESS'] !== undefined) console.error(shown(row))
  }
  console.log(
    theOriginal === undefined
      ? '| function | ours |\n|---|---|'
      : '| function | ours | original | original ÷ ours |\n|---|---|---|---|',
  )
  for (const row of rows.toSorted((a, b) => ratio(a) - ratio(b) || b.ours - a.ours)) console.log(shown(row))
  if (printedLength === 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

/** A case that fails becomes a row that says so; the others are still measured. */
function attempt(item: FunctionCase): Row {
  try {
    return measure(item)
  } catch (error) {
    if (error instanceof Error) return { name: item.name, ours: 0, note: `fails: ${error.message.split('\n')[0]!}` }
    throw error
  }
}

function ratio({ beside }: Row): number {
  return beside === undefined ? Number.POSITIVE_INFINITY : beside.original / beside.ours
}

/** In a comparison, shows only the figures of whole processes. */
function shown({ name, note, ours, beside }: Row): string {
  const title = note === '' ? name : `${name} (${note})`
  if (theOriginal === undefined) return `| ${title} | ${figure(ours)} |`
  if (beside === undefined) return `| ${title} | | | |`
  const { original } = beside
  return `| ${title} | ${figure(beside.ours)} | ${figure(original)} | ${(original / beside.ours).toFixed(2)} |`
}

function figure(nanoseconds: number): string {
  return Math.round(nanoseconds).toLocaleString('en')
}

function measure(item: FunctionCase): Row {
  const calls = item.calls ?? CALLS
  const { expression, prefix = '' } = item
  const lines = Array.from({ length: 500 }, (_, n) => document(item, n))
  const text = `${prefix}\n${Array.from({ length: calls }, (_, at) => `root.r${at} = ${expression}`).join('\n')}\n`
  const mapping = compiled(text)
  const ours = Math.max(0, perLine(mapping, lines) - perLine(compiled('root = ""'), lines)) / calls
  if (theOriginal === undefined || item.inProcessOnly === true)
    return { name: item.name, ours, note: theOriginal === undefined ? '' : 'not in its command' }
  const input = join(folder, 'in.jsonl')
  const full = join(folder, 'full.blobl')
  const bare = join(folder, 'bare.blobl')
  writeFileSync(full, text)
  writeFileSync(bare, 'root = ""\n')
  const writeInput = (lines: number) =>
    writeFileSync(input, Array.from({ length: lines }, (_, n) => `${document(item, n)}\n`).join(''))
  let count = linesFor(PROCESS_MS, ours * calls + 500)
  if (ours * calls > SLOW_NS) {
    // What is expensive here may be far more expensive there.
    const pilot = Math.max(LINES.least, Math.round(count / 20))
    writeInput(pilot)
    count = Math.min(count, linesFor(3 * PROCESS_MS, (run(theOriginal, full, input).ms * 1e6) / pilot))
  }
  writeInput(count)
  const best = { ours: [Infinity, Infinity], original: [Infinity, Infinity] }
  const output = { ours: '', original: '' }
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of ['ours', 'original'] as const) {
      const command = side === 'ours' ? program : theOriginal
      for (const [index, file] of [full, bare].entries()) {
        const { ms, out } = run(command, file, input)
        best[side][index] = Math.min(best[side][index]!, ms)
        if (index === 0) output[side] = out
      }
    }
  }
  const perCall = ([all, base]: readonly number[]) => Math.max(1, ((all! - base!) * 1e6) / (count * calls))
  const differs = item.varies !== true && output.ours !== output.original
  const beside = { ours: perCall(best.ours), original: perCall(best.original) }
  return { name: item.name, ours, beside, note: differs ? 'the answers differ' : '' }
}

/** The number of lines, at this many nanoseconds each, that take that long. */
function linesFor(ms: number, perLine: number): number {
  return Math.round(Math.min(LINES.most, Math.max(LINES.least, (ms * 1e6) / perLine)))
}

function document({ fields }: FunctionCase, n: number): string {
  return JSON.stringify({ id: n, kind: 'order', placed_at: '2024-05-06T07:08:09Z', ...fields?.(n) })
}

function compiled(text: string): Mapping {
  const readRelativeFile = (path: string) => readFileSync(join(folder, path))
  const store = new Map<string, Uint8Array>()
  const cache = () => ({
    get: (key: string) => store.get(key) ?? new Uint8Array(4),
    set: (key: string, value: Uint8Array) => void store.set(key, value),
    add: () => true,
    delete: (key: string) => void store.delete(key),
  })
  const { mapping, diagnostics } = compileMapping(text, { host: { ...systemHost, readRelativeFile, cache } })
  if (mapping === undefined) throw new Error(`${text}: ${diagnostics[0]!.message}`)
  return mapping
}

/** Nanoseconds of processor time per line, parsed, mapped and printed, as the best of several short samples. */
function perLine(mapping: Mapping, lines: readonly string[]): number {
  const message = new BodyView()
  const batch = [message]
  const draft = new MetadataDraft()
  let best = Infinity
  const end = cpuMs() + SAMPLE_MS * 3
  do {
    const start = cpuMs()
    let done = 0
    let elapsed = 0
    let next = 1
    do {
      message.setText(lines[done % lines.length]!)
      printedLength += printed(mapping, batch, draft).length
      if (++done < next) continue
      // Reading the clock is slow, so it is read after twice as many lines each time.
      elapsed = cpuMs() - start
      next = done * 2
    } while (elapsed < SAMPLE_MS / 3)
    best = Math.min(best, (elapsed * 1e6) / done)
  } while (cpuMs() < end)
  return best
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function printed(mapping: Mapping, batch: readonly BodyView[], draft: MetadataDraft): string {
  try {
    const result = mapping.runCommand(batch, draft, false)
    if (typeof result === 'string') return result
    if (typeof result === 'symbol') return ''
    return result instanceof Uint8Array ? utf8Text(result) : printJson(result, { escapeHtml: true })
  } catch (error) {
    if (error instanceof MappingError) throw new Error(`a case fails: ${error.message}`, { cause: error })
    throw error
  }
}

/** Runs a mapping over a file; returns user and system time in milliseconds, and the output. */
function run(command: string, mapping: string, input: string): { readonly ms: number; readonly out: string } {
  const stdin = openSync(input, 'r')
  try {
    const script = 'TIMEFORMAT="%3U %3S"; time "$0" blobl -f "$1"'
    const { stdout, stderr } = spawnSync('bash', ['-c', script, command, mapping], {
      cwd: folder,
      stdio: [stdin, 'pipe', 'pipe'],
      maxBuffer: 1 << 30,
      encoding: 'utf8',
    })
    const said = stderr.trimEnd().split('\n')
    const [user, system] = said.at(-1)!.split(' ').map(Number)
    if (said.length > 1) throw new Error(`${command}: ${said[0]!} in\n${readFileSync(mapping, 'utf8')}`)
    return { ms: (user! + system!) * 1000, out: stdout }
  } finally {
    closeSync(stdin)
  }
}
