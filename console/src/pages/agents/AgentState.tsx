import type { Agent } from '../../api/types.ts'
import { Pill } from '../../ui/Pill.tsx'

export function AgentState({ agent }: { agent: Agent }) {
  return (
    <Pill dot tone={agent.is_alive ? 'ok' : 'bad'}>
      {agent.is_alive ? 'Alive' : 'Lost'}
    </Pill>
  )
}
