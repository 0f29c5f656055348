// Checks pipeline configurations. Parts of a mapping that are constant are worked out when it is parsed, so that checking
// runs what people wrote: it has a thread of its own.
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../../base/index.ts'
import { createRegistry } from '../../components/index.ts'
import { createLinter, pipelineJsonSchema } from '../../control/index.ts'
import { fileImporter, grantedHost } from '../../host/index.ts'
import type { LintAnswer, LintQuestion, LintWorkerData } from './lint-thread.ts'

assert(parentPort !== null, 'configurations are checked in a thread of its own')
const port = parentPort
const { policy } = workerData as LintWorkerData
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
  return question.kind === 'lint' ? lint(question.yaml).then(found => [...found]) : pipelineJsonSchema(registry)
}
