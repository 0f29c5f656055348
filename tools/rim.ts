// The clock, random numbers, the environment, timers and work in threads are used only at the rim; everything else
// receives them. The simulator drives the rest with its own clock.
import { globSync, readFileSync } from 'node:fs'

/** Folders and files that access the outside for the rest of the program. */
const rim = [
  'src/base/',
  'src/storage/',
  'src/host/',
  'src/cli/',
  // Threads, and the code that starts and watches them.
  'src/agent/pipelines/',
  'src/agent/lint/lint-thread.ts',
  // Servers and clients of the network.
  'src/engine/http-server.ts',
  'src/engine/http-transport.ts',
  'src/broker/server.ts',
  'src/broker/connection.ts',
  'src/control/server.ts',
  'src/agent/cluster/kafka-client.ts',
  // Measures the processor time of its own process.
  'src/agent/agent.ts',
]

/** Timers inside the rim that only end a wait: no state and no result depends on when they fire. */
const waits: Readonly<Record<string, string>> = {
  'src/engine/runtime/backoff.ts': 'pauses between attempts',
  'src/engine/deadline.ts': 'the time limit of a call',
  'src/engine/objects/resumed-source.ts': 'the time limit of a read',
  'src/engine/runtime/output-layer.ts': 'the period of a batch policy',
  'src/engine/runtime/turns.ts': 'gives the event loop its turn',
  'src/engine/runtime/shutdown.ts': 'the time limit of a shutdown',
  'src/broker/log/appender.ts': 'gives the event loop its turn',
  'src/control/relay.ts': 'the time limit of a relayed call',
  'src/control/changes.ts': 'gathers events before they are sent',
  'src/components/': 'what a component is configured to wait for, and time limits of its protocol',
}

/** Work in the system's threads, which takes as long as it takes whatever the clock says. */
const threads: Readonly<Record<string, string>> = {
  'src/engine/http-access.ts': 'checks a password',
  'src/kafka/scram.ts': 'derives keys, which the simulations do not need',
  'src/broker/log/manifest.ts': 'the default of the compression that a log receives',
}

const readings = /\bDate\.now\(|\bperformance\.(?:now|timeOrigin)\b|\bMath\.random\(|\bprocess\.env\b|\bnew Date\(\)/g
const inThreads = /(?<![.\w])promisify\(/g
const timers = /(?<![.\w])(?:setTimeout|setInterval|setImmediate)\(/g

/** Findings `file: what is wrong` in the whole tree. */
export function checkRim(): string[] {
  const files = globSync('src/**/*.ts').filter(file => !/\.(?:test|suite|bench|worker|gen)\.ts$/.test(file))
  return files.toSorted().flatMap(file => findingsOf(file, readFileSync(file, 'utf8')))
}

/** Findings in one file. */
export function findingsOf(file: string, text: string): string[] {
  if (rim.some(place => file.startsWith(place))) return []
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const isIn = (places: Readonly<Record<string, string>>) => Object.keys(places).some(place => file.startsWith(place))
  const patterns = [readings, ...(isIn(waits) ? [] : [timers]), ...(isIn(threads) ? [] : [inThreads])]
  const found = patterns.flatMap(pattern => [...code.matchAll(pattern)].map(([what]) => what))
  return found.map(what => `${file}: ${what.replace('(', '')} is used outside of the rim; receive it (tools/rim.ts)`)
}
