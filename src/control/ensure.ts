import { DatabaseError } from '../database/index.ts'

/** Runs work that looks up a row and inserts it if missing; repeats it if another control plane was faster. */
export async function ensured<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'duplicate') return work()
    throw error
  }
}
