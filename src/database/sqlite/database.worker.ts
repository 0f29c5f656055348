import { workerData } from 'node:worker_threads'
import { type Outcome, serveCalls } from '../call-worker.ts'
import { DatabaseError } from '../errors.ts'
import { carryOut, type Command } from './connection.ts'
import { SqliteEngine } from './engine.ts'

// Only connectInThread starts this file, with this data and these commands.
const engine = new SqliteEngine((workerData as { path: string }).path)

serveCalls(
  async (command): Promise<Outcome> => {
    try {
      return { ok: true, value: carryOut(engine, command as Command) } // sent by the connection in this folder
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      return { ok: false, code: error.code, message: error.message }
    }
  },
  async () => engine.close(),
)
