import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from './broker-process.ts'

/** A broker to be measured, on this machine. */
export interface Target {
  readonly name: string
  readonly port: number
}

/** Measures our broker over a folder, and in turns with it the broker at the port `KAFKA` of this machine, if set. */
export async function withTargets(measure: (targets: readonly Target[]) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
  const broker = await startBroker(['--data', folder])
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
