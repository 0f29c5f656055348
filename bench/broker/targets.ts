import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { startBroker } from './broker-process.ts'

/** The cache of an agent takes this fraction of the machine's memory. */
const CACHE_SHARE = 8

/** A broker to be measured, on this machine. */
export interface Target {
  readonly name: string
  readonly port: number
}

/** Measures our broker over a folder, and in turns with it the broker at the port `KAFKA` of this machine, if set. */
export async function withTargets(measure: (targets: readonly Target[]) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
  const cacheMiB = Math.floor(totalmem() / CACHE_SHARE / 1024 ** 2)
  const broker = await startBroker(['--data', folder, '--cache-mb', String(cacheMiB)])
  const kafka = process.env.KAFKA
  try {
    await measure([
      { name: 'Penstock', port: broker.port },
      ...(kafka === undefined ? [] : [{ name: 'Kafka', port: Number(kafka) }]),
    ])
  } finally {
    broker.child.kill()
    await once(broker.child, 'exit')
    await rm(folder, { recursive: true })
  }
}

/** A figure of each target, and the ratio of the first one to the second. */
export function compared(figures: readonly number[], digits = 0): string {
  const [ours, theirs] = figures
  const text = figures.map(figure => figure.toFixed(digits)).join(' : ')
  return theirs === undefined ? text : `${text} = ${(ours! / theirs).toFixed(2)}`
}
