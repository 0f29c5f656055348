// Checks pipeline configurations. Constant parts of a mapping are evaluated when it is parsed, so checking runs users'
// code; therefore it has its own thread.
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../../base/index.ts'
import { createRegistry } from '../../components/index.ts'
import { createLinter, pipelineJsonSchema } from '../../control/index.ts'
import { fileImporter, grantedHost } from '../../host/index.ts'
import type { LintAnswer, LintQuestion, LintWorkerData } from './lint-thread.ts'

assert(parentPort !== null, 'lint.worker.ts runs as a worker thread')
const port = parentPort
const { policy } = workerData as LintWorkerData // set by the thread that starts this one
const registry = createRegistry()
const host = grantedHost(policy)
const lint = createLinter({ registry, host, importer: fileImporter(process.cwd(), host) })

port.on('message', (question: LintQuestion) => {
  answer(question).then(
    value => port.postMessage({ id: question.id, value } satisfies LintAnswer),
    (error: unknown) => port.postMessage({ id: question.id, error: String(error) } satisfies LintAnswer),
  )
})

function answer(question: LintQuestion): Promise<unknown> {
  return question.kind === 'lint' ? lint(question.yaml) : pipelineJsonSchema(registry)
}
