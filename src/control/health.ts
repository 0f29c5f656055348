import type { InstanceReport } from './agent-link.ts'
import type { PipelineCounters, PipelineHealth, PipelineState } from './api-types.ts'

export interface HealthInput {
  readonly state: PipelineState
  readonly deployedConfigurationId: string
  readonly pipelineGroup: string
  /** The number of instances that should exist. */
  readonly wanted: number
  /** The number of instances that have reached the end of their input. */
  readonly completed: number
  readonly instances: readonly InstanceReport[]
  /** Counts of the last seconds; if every write fails, since the last delivery. */
  readonly recent: PipelineCounters
  /** Milliseconds since 1970. */
  readonly now: number
}

/** An instance that was restarted after a failure counts as healthy after this time. */
const recoveryMs = 60_000

/** The health of a pipeline as a whole, and one sentence that says why. */
export function healthOf(input: HealthInput): { readonly health: PipelineHealth; readonly explanation: string | null } {
  const { state, wanted, completed, instances } = input
  if (state === 'paused') {
    const stopping = instances.length
    return { health: 'paused', explanation: stopping > 0 ? `${count(stopping, 'instance')} still stopping` : null }
  }
  if (wanted === 0) {
    const group = input.pipelineGroup
    const which = group === '' ? 'without a pipeline group' : `of the pipeline group ${JSON.stringify(group)}`
    return { health: 'waiting', explanation: `no agent ${which} is connected` }
  }
  if (completed >= wanted)
    return { health: 'completed', explanation: 'every instance has reached the end of its input' }
  const running = instances.filter(instance => instance.state === 'running' || instance.state === 'completed').length
  const failed = instances.find(({ state, error }) => state === 'backing_off' && error !== null)
  if (failed !== undefined) {
    const explanation = `${count(wanted - running, 'instance')} of ${wanted} not running: ${failed.error!.message}`
    return { health: running > 0 ? 'degraded' : 'failing', explanation }
  }
  const failure = failureOf(input.recent)
  if (running > 0 && failure !== undefined) return { health: 'failing', explanation: failure }
  const outdated = instances.some(({ configurationId }) => configurationId !== input.deployedConfigurationId)
  const recovering = instances.find(({ error, since }) => error !== null && input.now - since < recoveryMs)
  if (running >= wanted && !outdated && recovering !== undefined)
    return { health: 'degraded', explanation: `restarted a moment ago: ${recovering.error!.message}` }
  const hindered = instances.find(({ problem }) => problem !== null)
  if (running >= wanted && !outdated && hindered !== undefined)
    return { health: 'degraded', explanation: hindered.problem }
  if (running >= wanted && !outdated) return { health: 'running', explanation: null }
  return {
    health: 'starting',
    explanation: outdated ? 'changing over to the deployed version' : 'instances are starting',
  }
}

/** Why no message succeeds although the pipeline runs; undefined if some do, or if there are none. */
export function failureOf(recent: PipelineCounters): string | undefined {
  const { input_received: received, output_sent: sent } = recent
  // A single failed write may be a lost connection of an idle pipeline.
  if (sent === 0 && recent.output_errors > 1)
    return `no message has been delivered lately: ${count(recent.output_errors, 'failed write')}`
  if (received > 0 && recent.processor_errors >= received)
    return `processors failed ${count(recent.processor_errors, 'time')} for ${count(received, 'message')} lately`
  return undefined
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
