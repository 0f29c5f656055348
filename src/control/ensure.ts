import { DatabaseError } from '../database/index.ts'

/** Runs work that looks for a row and inserts it when it is missing, again when another control plane was faster. */
export async function ensured<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'duplicate') return work()
    throw error
  }
}
