import type { InstanceState, PipelineHealth } from '../../api/types.ts'
import { Pill, type Tone } from '../../ui/Pill.tsx'

/** The label, colour and animation of each state, for lists, pages and the overview. */
export const healthLooks: Record<PipelineHealth, { label: string; tone: Tone; moving: boolean }> = {
  running: { label: 'Running', tone: 'ok', moving: false },
  starting: { label: 'Starting', tone: 'accent', moving: true },
  degraded: { label: 'Degraded', tone: 'warn', moving: false },
  failing: { label: 'Failing', tone: 'bad', moving: false },
  waiting: { label: 'Waiting', tone: 'warn', moving: true },
  completed: { label: 'Completed', tone: 'neutral', moving: false },
  paused: { label: 'Paused', tone: 'neutral', moving: false },
}

/** States that need attention come first. */
export const healthOrder: readonly PipelineHealth[] = [
  'failing',
  'degraded',
  'waiting',
  'starting',
  'running',
  'completed',
  'paused',
]

export function HealthPill({ health, title }: { health: PipelineHealth; title?: string | null }) {
  const look = healthLooks[health]
  return (
    <Pill dot tone={look.tone} moving={look.moving} title={title ?? undefined}>
      {look.label}
    </Pill>
  )
}

const instanceLooks: Record<InstanceState, { label: string; tone: Tone; moving: boolean }> = {
  starting: { label: 'Starting', tone: 'accent', moving: true },
  running: { label: 'Running', tone: 'ok', moving: false },
  backing_off: { label: 'Backing off', tone: 'bad', moving: true },
  stopping: { label: 'Stopping', tone: 'neutral', moving: true },
  completed: { label: 'Completed', tone: 'neutral', moving: false },
}

/**
 * The state of one instance, in the colours of its pipeline: an instance that runs but delivers no messages, or that
 * has a problem, is not shown as healthy.
 */
export function InstancePill({
  state,
  problem,
  health,
}: {
  state: InstanceState
  problem: string | null
  health: PipelineHealth | undefined
}) {
  const look = state !== 'running' ? instanceLooks[state] : healthLooks[runningHealth(problem, health)]
  return (
    <Pill dot tone={look.tone} moving={look.moving}>
      {look.label}
    </Pill>
  )
}

function runningHealth(problem: string | null, health: PipelineHealth | undefined): PipelineHealth {
  if (health === 'failing') return health
  return problem === null ? 'running' : 'degraded'
}
