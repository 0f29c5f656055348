import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const script = join(import.meta.dirname, '../../tools/broker.ts')

export interface BrokerProcess {
  readonly child: ChildProcess
  readonly port: number
}

/** Starts a broker in a process of its own; without `--port` in `flags` it picks a free one. */
export async function startBroker(flags: readonly string[]): Promise<BrokerProcess> {
  const args = [script, ...(flags.includes('--port') ? [] : ['--port', '0']), ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { child, port: Number(/:(\d+)$/.exec(String(line))?.[1]) }
}
