// Runs the contract suite on every buffer.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bufferContract } from '../../engine/contract/buffer.suite.ts'
import { rig } from './rig.suite.ts'

const inMemory = { never: 'it is in the memory of its stream' }

bufferContract('none', rig, {
  acknowledges: 'delivered',
  survives: { never: 'it holds nothing' },
  open: () => ({ config: '{ none: {} }' }),
})

bufferContract('memory', rig, {
  acknowledges: 'stored',
  survives: inMemory,
  open: () => ({ config: '{ memory: { limit: 10000 } }' }),
  batching: count => ({ config: `{ memory: { batch_policy: { enabled: true, count: ${count} } } }` }),
})

bufferContract('sqlite', rig, {
  acknowledges: 'stored',
  survives: true,
  unbounded: 'the disk is its bound, as in the original',
  open() {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
    return {
      config: `{ sqlite: { path: '${join(folder, 'buffer.db')}' } }`,
      close: () => rmSync(folder, { recursive: true }),
    }
  },
})

bufferContract('system_window', rig, {
  acknowledges: 'delivered',
  survives: inMemory,
  unbounded: 'a window holds what belongs to it, as in the original',
  regroups: 'each window is a batch',
  endsEarly: 'a window that is not complete at the end of the source is refused',
  open: () => ({ config: '{ system_window: { size: 100ms } }' }),
})
