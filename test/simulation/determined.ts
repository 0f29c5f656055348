import assert from 'node:assert/strict'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** Number of threads that Node starts for work such as compression. */
const THREADS = 4

/** Checks that a simulation happens in the same way twice, the second time while the system's threads are busy. */
export async function assertDetermined(simulate: () => Promise<number>): Promise<void> {
  const first = await simulate()
  const end = new AbortController()
  const busy = Promise.all(Array.from({ length: THREADS }, () => work(end.signal)))
  try {
    assert.equal(await simulate(), first)
  } finally {
    end.abort()
    await busy
  }
}

async function work(signal: AbortSignal): Promise<void> {
  const bytes = Buffer.alloc(4 * 1024 * 1024, 'work')
  while (!signal.aborted) await promisify(gzip)(bytes)
}
