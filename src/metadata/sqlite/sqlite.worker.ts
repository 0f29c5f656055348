import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { execute } from './calls.ts'
import { Database } from './database.ts'
import type { FromWorker, ToWorker, WorkerOptions } from './transport.ts'

/** The thread that owns a database. All calls that are waiting when it gets to them share one transaction. */
const MAX_TOGETHER = 512

const port = parentPort!
// Only openInWorker starts this file, with these options.
const { path, durable } = workerData as WorkerOptions
const database = new Database(path, durable)
post('open')

port.on('message', (first: ToWorker) => {
  const messages = [first]
  while (messages.length < MAX_TOGETHER) {
    const next = receiveMessageOnPort(port) as { message: ToWorker } | undefined
    if (!next) break
    messages.push(next.message)
  }
  const calls = messages.filter(message => message !== 'close')
  const outcomes = execute(
    database,
    calls.map(({ call }) => call),
  )
  calls.forEach(({ id }, index) => post({ id, outcome: outcomes[index]! }))
  if (calls.length < messages.length) {
    database.close()
    port.close()
  }
})

function post(message: FromWorker): void {
  port.postMessage(message)
}
