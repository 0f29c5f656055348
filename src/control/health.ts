import type { InstanceReport } from './agent-link.ts'
import type { PipelineHealth, PipelineState } from './api-types.ts'

export interface HealthInput {
  readonly state: PipelineState
  readonly deployedConfigurationId: string
  readonly pipelineGroup: string
  /** How many instances there shall be. */
  readonly wanted: number
  /** How many came to their end. */
  readonly completed: number
  readonly instances: readonly InstanceReport[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/** An instance that was started again after a failure is taken for well only when it has run for so long. */
const recoveryMs = 60_000

/** How a pipeline does as a whole, and one sentence that says why. */
export function healthOf(input: HealthInput): { readonly health: PipelineHealth; readonly explanation: string | null } {
  const { state, wanted, completed, instances } = input
  if (state === 'paused') {
    const stopping = instances.length
    return { health: 'paused', explanation: stopping > 0 ? `${count(stopping, 'instance')} still stopping` : null }
  }
  if (wanted === 0) {
    const group = input.pipelineGroup
    const which = group === '' ? 'without a pipeline group' : `of the pipeline group ${JSON.stringify(group)}`
    return { health: 'waiting', explanation: `no agent ${which} is there to run it` }
  }
  if (completed >= wanted) return { health: 'completed', explanation: 'every instance came to the end of its input' }
  const running = instances.filter(instance => instance.state === 'running' || instance.state === 'completed').length
  const failed = instances.find(({ state, error }) => state === 'backing_off' && error !== null)
  if (failed !== undefined) {
    const explanation = `${count(wanted - running, 'instance')} of ${wanted} not running: ${failed.error!.message}`
    return { health: running > 0 ? 'degraded' : 'failing', explanation }
  }
  const outdated = instances.some(({ configurationId }) => configurationId !== input.deployedConfigurationId)
  const recovering = instances.find(({ error, since }) => error !== null && input.now - since < recoveryMs)
  if (running >= wanted && !outdated && recovering !== undefined)
    return { health: 'degraded', explanation: `started again a moment ago: ${recovering.error!.message}` }
  const hindered = instances.find(({ problem }) => problem !== null)
  if (running >= wanted && !outdated && hindered !== undefined)
    return { health: 'degraded', explanation: hindered.problem }
  if (running >= wanted && !outdated) return { health: 'running', explanation: null }
  return {
    health: 'starting',
    explanation: outdated ? 'changing over to the deployed version' : 'instances are starting',
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
