// `node test/connectors/errors/main.ts [--verbose] [family …]` prints, as a Markdown table, how a stream behaves when
// something is wrong between it and a server, next to the original if `ORIGINAL` is the path of its program. It needs
// the servers that `npm run test:connectors` installs. docs/reference/connector-errors.md has the table of one run.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCase, families } from './cases.ts'
import { startServers } from './servers.ts'

/** How long a stream is observed, in milliseconds, before it counts as waiting silently. */
const patienceMs = 20_000
/** Number of errors after which a stream counts as retrying. */
const repeated = 2

interface Outcome {
  readonly kind:
    | 'not in this program'
    | 'does not start'
    | 'lint'
    | 'refuses the message'
    | 'keeps trying'
    | 'goes through'
    | 'says nothing'
  /** The reported reason. */
  readonly text: string
  readonly log: string
}

const programs = [resolve('bin/penstock'), process.env['ORIGINAL'] ?? ''].filter(path => path !== '')
const names = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const isVerbose = process.argv.includes('--verbose')
const folder = mkdtempSync(join(tmpdir(), 'penstock-errors-'))
// Servers that do not run as root get their own folders in this one, which they must be able to enter.
chmodSync(folder, 0o755)
let configCount = 0

try {
  for (const name of names.length > 0 ? names : Object.keys(families)) await runFamily(name)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function runFamily(name: string): Promise<void> {
  const servers = await startServers([name], folder)
  try {
    const cases = families[name]!(servers.environment)
    const outcomes = new Map<ErrorCase, readonly Outcome[]>()
    const waiting = [...cases]
    const work = async () => {
      for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
        const told: Outcome[] = []
        for (const program of programs) told.push(await run(program, each))
        outcomes.set(each, told)
      }
    }
    await Promise.all(Array.from({ length: 3 }, work))
    console.log(
      `\n### ${name}\n\n| connector | situation | Penstock | Bento | what Penstock says |\n|---|---|---|---|---|`,
    )
    for (const [row, components] of rowsOf(cases, outcomes)) console.log(`| ${components.join(', ')} ${row}`)
    if (isVerbose) {
      for (const each of cases) {
        const logs = outcomes.get(each)!.map(({ kind, log }) => `${kind}\n${log}`)
        console.log(`\n== ${each.component}, ${each.situation}\n${logs.join('\n--\n')}`)
      }
    }
  } finally {
    await servers.close()
  }
}

/** Rows of the table; connectors with the same outcome share one. */
function rowsOf(
  cases: readonly ErrorCase[],
  outcomes: ReadonlyMap<ErrorCase, readonly Outcome[]>,
): ReadonlyMap<string, readonly string[]> {
  const rows = new Map<string, string[]>()
  for (const each of cases) {
    const [ours, theirs] = outcomes.get(each)!
    const other = theirs === undefined ? '' : theirs.kind === ours!.kind ? 'same' : theirs.kind
    // The log names the connector, which the row does as well.
    const reason = ours!.text.replace(
      /^(?:Failed to (?:connect to|send message to) \S+|failed to init .*? path \S+): /,
      '',
    )
    const row = `| ${each.situation} | ${ours!.kind} | ${other} | ${reason.replaceAll('|', '\\|')} |`
    rows.set(row, [...(rows.get(row) ?? []), each.component])
  }
  return rows
}

async function run(program: string, { config, environment }: ErrorCase): Promise<Outcome> {
  const file = join(folder, `config-${configCount++}.yaml`)
  writeFileSync(file, JSON.stringify({ http: { enabled: false }, shutdown_timeout: '1s', ...config }))
  const child = spawn(program, program.endsWith('penstock') ? ['run', file] : ['-c', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...environment },
  })
  let log = ''
  const { promise: decided, resolve: decide } = Promise.withResolvers<void>()
  const note = (chunk: Buffer) => {
    log += chunk.toString()
    if (log.split('level=error').length > repeated) decide()
  }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', note)
  const exited = new Promise<void>(done => void child.once('exit', () => done()))
  const timer = setTimeout(decide, patienceMs)
  await Promise.race([exited, decided])
  // A stream that reports two errors may be about to exit.
  await Promise.race([exited, sleep(1000)])
  clearTimeout(timer)
  const status = child.exitCode
  child.kill('SIGKILL')
  await exited
  return outcomeOf(status, log)
}

function outcomeOf(status: number | null, log: string): Outcome {
  const lines = log.split('\n').flatMap(line => {
    const [, level, quoted] = /level=(error|warning) .*?msg=("(?:[^"\\]|\\.)*"|\S*)/.exec(line) ?? []
    if (level === undefined || quoted === undefined) return []
    const message = quoted.startsWith('"') ? (JSON.parse(quoted) as string) : quoted // quoted text is JSON
    return [message.replaceAll('\n', ' ')]
  })
  const told = (pattern: RegExp) => lines.map(line => pattern.exec(line)?.[1]).find(text => text !== undefined)
  const handed = told(/^(?:FALLBACK|CAUGHT) (.*)/)
  if (log.includes('unable to infer')) return { kind: 'not in this program', text: '', log }
  if (lines.includes('Config lint error')) return { kind: 'lint', text: '', log }
  if (status === 1) return { kind: 'does not start', text: told(/(?:due to: )(.*)/) ?? lines[0] ?? '', log }
  if (handed !== undefined) return { kind: 'refuses the message', text: handed, log }
  if (status === 0 || told(/^(RECEIVED)/) !== undefined) return { kind: 'goes through', text: '', log }
  if (lines.length > 0) return { kind: 'keeps trying', text: lines[0]!, log }
  return { kind: 'says nothing', text: '', log }
}
