// The cost of a message that a stream writes to a server, and of one that it reads: processor time of the whole
// process, and wall-clock time. The servers are those of `npm run test:connectors`, which must have installed them.
// `CONNECTORS_ONLY` selects cases by the start of their names, `CONNECTORS_SHARE` is the share of the messages that is
// sent (1 by default); `ORIGINAL=/path/to/program` does the same on the same server with another program, alternating.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/servers/ports.ts'
import { type Case, cases, type Stream } from './cases.ts'

const only = process.env['CONNECTORS_ONLY']
const share = Number(process.env['CONNECTORS_SHARE'] ?? 1)
const programs = [join(import.meta.dirname, '../../bin/penstock'), process.env['ORIGINAL'] ?? ''].filter(
  path => path !== '',
)

const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
try {
  console.log(`load of the machine: ${loadavg()[0]!.toFixed(1)}`)
  for (const each of cases) {
    if (only === undefined || each.name.startsWith(only)) await runCase(each)
  }
} finally {
  rmSync(folder, { recursive: true })
}

interface Config {
  readonly input: Readonly<Record<string, unknown>>
  readonly output: Readonly<Record<string, unknown>>
}

interface Cost {
  readonly processorSeconds: number
  readonly seconds: number
}

async function runCase({ name, messages, start, ...streams }: Case): Promise<void> {
  // Servers that do not run as root get their own folder.
  const own = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
  const server = await start({
    folder: own,
    npmBin: program => resolve('.tmp/connectors/npm/node_modules/.bin', program),
    pythonBin: program => resolve('.tmp/connectors/python/bin', program),
  })
  const count = Math.ceil(messages * share)
  try {
    for (const direction of ['output', 'input'] as const) {
      const stream = streams[direction]
      if (stream === undefined) continue
      const costs: Cost[][] = programs.map(() => [])
      for (let round = 0; round < 2; round++) {
        for (const [index, program] of programs.entries()) {
          const id = `bench-${direction}-${round}-${index}`
          await streams.prepare?.(id, server.environment)
          if (direction === 'input')
            await run(programs[0]!, writing(streams.output!, id, server.environment, count), count)
          const config =
            direction === 'output'
              ? writing(stream, id, server.environment, count)
              : { input: stream(id, server.environment), output: { drop: {} } }
          costs[index]!.push(await run(program, config, count))
        }
      }
      report(`${name} ${direction === 'output' ? 'out' : 'in'}`, count, costs)
    }
  } finally {
    await server.close()
    rmSync(own, { recursive: true })
  }
}

function writing(output: Stream, id: string, environment: Readonly<Record<string, string>>, count: number) {
  const mapping = `root = "${'x'.repeat(200)}"`
  return { input: { generate: { count, interval: '', mapping } }, output: output(id, environment) }
}

/** The lower processor time and the shorter duration of two rounds, for each program, and their ratios. */
function report(name: string, count: number, costs: readonly (readonly Cost[])[]): void {
  const best = costs.map(rounds => ({
    perCore: count / Math.min(...rounds.map(cost => cost.processorSeconds)),
    rate: count / Math.min(...rounds.map(cost => cost.seconds)),
  }))
  const [ours, theirs] = best
  const shown = (rate: number) => Math.round(rate).toLocaleString('en')
  const figures = best.map(
    ({ perCore, rate }, index) => `${basename(programs[index]!)} ${shown(perCore)}/s a core, ${shown(rate)}/s`,
  )
  const ratios =
    theirs === undefined
      ? ''
      : `   ratio ${(ours!.perCore / theirs.perCore).toFixed(2)} a core, ${(ours!.rate / theirs.rate).toFixed(2)}`
  console.log(`${name.padEnd(22)} ${figures.join('   ')}${ratios}`)
}

/** Runs a stream until it ends, or until it has sent this many messages. */
async function run(program: string, config: Config, count: number): Promise<Cost> {
  const address = `127.0.0.1:${await freePort()}`
  const { input } = config
  const file = join(folder, 'config.json')
  writeFileSync(file, JSON.stringify({ http: { address }, logger: { level: 'ERROR' }, ...config }))
  const startedAt = performance.now()
  const child = spawn(program, program.endsWith('penstock') ? ['run', file] : ['-c', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = new Promise<void>(done => void child.once('exit', () => done()))
  let processorSeconds = 0
  try {
    for (;;) {
      processorSeconds = processorSecondsOf(child.pid!) ?? processorSeconds
      const ended = child.exitCode !== null || child.signalCode !== null
      if (ended && child.exitCode !== 0) throw new Error(`${program} failed: ${log}`)
      // A stream that generates its messages ends on its own and is not polled.
      if (ended || (!('generate' in input) && (await sentBy(address)) >= count)) break
      await sleep(20)
    }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
  if (log.includes('level=error')) console.log(log.split('\n').slice(0, 3).join('\n'))
  return { processorSeconds, seconds: (performance.now() - startedAt) / 1000 }
}

/** How many messages the output of a stream has sent, from its metrics; 0 if they are unavailable. */
async function sentBy(address: string): Promise<number> {
  try {
    const text = await (await fetch(`http://${address}/metrics`)).text()
    return Number(/^output_sent\{[^}]*path="root\.output"[^}]*\} (\S+)/m.exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Processor time of all threads of a process so far. */
function processorSecondsOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // `utime` and `stime`, in hundredths of a second: proc(5).
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return null
  }
}
