import { setPriority } from 'node:os'
import process from 'node:process'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { assert } from '../../base/index.ts'
import { grantedHost } from '../../host/index.ts'
import type { ThreadData } from './protocol.ts'

/** How often a thread signals that it is alive. */
export const pulseIntervalMs = 500

/** Sets this thread's priority; returns the port to the thread that started it, and the host with what is granted. */
export function setUpThread({ policy, niceness }: Pick<ThreadData, 'policy' | 'niceness'>): {
  readonly port: MessagePort
  readonly host: ReturnType<typeof grantedHost>
} {
  assert(parentPort !== null, 'pipelines run in threads of their own')
  // On Linux a thread has its own priority, and 0 means the calling one; elsewhere it would be that of the whole agent.
  if (process.platform === 'linux' && niceness > 0) setPriority(0, niceness)
  return { port: parentPort, host: grantedHost(policy) }
}
