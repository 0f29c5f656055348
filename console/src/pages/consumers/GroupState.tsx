import { Pill, type Tone } from '../../ui/Pill.tsx'

/** By Kafka's names of states; a state added later is shown as is. */
const tones: Readonly<Record<string, Tone>> = {
  Stable: 'ok',
  PreparingRebalance: 'accent',
  CompletingRebalance: 'accent',
  Empty: 'neutral',
  Dead: 'bad',
}

export function GroupState({ state }: { state: string }) {
  return (
    <Pill dot tone={tones[state] ?? 'neutral'} moving={state.endsWith('Rebalance')}>
      {state.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)}
    </Pill>
  )
}
