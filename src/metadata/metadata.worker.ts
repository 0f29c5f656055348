import { workerData } from 'node:worker_threads'
import { systemClock } from '../base/index.ts'
import { openSqliteHere, type Outcome, serveCalls } from '../database/index.ts'
import type { TimedCall } from './calls.ts'
import { MetadataError } from './errors.ts'
import { MetadataService } from './service.ts'

// The thread that owns an SQLite file; it runs whole operations. Calls that are queued together share a commit. Only
// openSqliteMetadata starts this file, with this data and these calls.
const { path } = workerData as { path: string }
const service = await MetadataService.open(openSqliteHere({ path }), systemClock)

serveCalls(
  async (call): Promise<Outcome> => {
    try {
      return { ok: true, value: await service.execute(call as TimedCall) } // sent by the transport in this folder
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error
      return { ok: false, code: error.code, message: error.message }
    }
  },
  () => service.close(),
)
