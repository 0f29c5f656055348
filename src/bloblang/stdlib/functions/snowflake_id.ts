import { MappingError } from '../../errors.ts'
import { defineFunction } from '../spec.ts'

const EPOCH_MS = 1_288_834_974_657n
const MAX_NODE = 1023n
const MAX_STEP = 4095n

export default defineFunction({
  name: 'snowflake_id',
  categories: ['General'],
  status: 'stable',
  description:
    'Returns a new snowflake id on each call, as a string: 41 bits of milliseconds, 10 bits of node id and a 12-bit counter within the millisecond.',
  params: [{ name: 'node_id', type: 'integer', default: 1n, description: 'The node id, from 0 to 1023.' }],
  examples: [['root.fits = snowflake_id(2).int64() > 0', '{}', '{"fits":true}']],
  create([nodeArgument], host) {
    const node = nodeArgument
    if (node < 0n || node > MAX_NODE) throw new MappingError(`Node number must be between 0 and ${MAX_NODE}`)
    let lastMs = 0n
    let step = 0n
    return () => {
      const nowMs = host.now() / 1_000_000n - EPOCH_MS
      // Ids never decrease: if the clock goes back or the millisecond is exhausted, they continue after the last one.
      if (nowMs > lastMs) {
        lastMs = nowMs
        step = 0n
      } else if (step < MAX_STEP) step += 1n
      else {
        lastMs += 1n
        step = 0n
      }
      return String((lastMs << 22n) | (node << 12n) | step)
    }
  },
})
