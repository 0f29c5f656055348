import { workerData } from 'node:worker_threads'
import { openSqliteHere, type Outcome, serveCalls } from '../database/index.ts'
import type { Call } from './calls.ts'
import { MetadataError } from './errors.ts'
import { MetadataService } from './service.ts'

// The thread that owns an SQLite file: whole operations run here. Calls that wait together share a commit.
// Only openSqliteMetadata starts this file, with these data and calls.
const { path } = workerData as { path: string }
const service = await MetadataService.open(openSqliteHere({ path }))
const transport = service.connect()

serveCalls(
  async (call): Promise<Outcome> => {
    const { name, arguments: values } = call as Call
    try {
      // The caller's types bind the values to the name.
      return { ok: true, value: await transport.call(name, ...(values as never)) }
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error
      return { ok: false, code: error.code, message: error.message }
    }
  },
  () => service.close(),
)
