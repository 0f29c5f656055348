import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { keys } from './queries.ts'
import type { ChangedEvent, ChangedSubject } from './types.ts'

/** Whether the stream of changes is open; while it is not, the pages read at intervals. */
export type LiveState = 'connecting' | 'live' | 'lost'

/** Listens to what changes on the server and marks it stale, so that every open page shows it within the second. */
export function useLiveChanges(clusterId: string): LiveState {
  const client = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')

  useEffect(() => {
    const events = new EventSource(`/api/v1/events?virtual_cluster_id=${encodeURIComponent(clusterId)}`)
    events.addEventListener('open', () => setState('live'))
    events.addEventListener('error', () => setState('lost'))
    events.addEventListener('changed', event => {
      const changed = JSON.parse(String(event.data)) as ChangedEvent
      for (const subject of changed.subjects) {
        const queryKey = staleKey(subject)
        if (queryKey !== undefined) void client.invalidateQueries({ queryKey })
      }
    })
    return () => events.close()
  }, [client, clusterId])

  return state
}

function staleKey(subject: ChangedSubject): readonly string[] | undefined {
  switch (subject) {
    case 'agents':
      return keys.agents
    case 'pipelines':
      return keys.pipelines
    case 'topics':
      return keys.topics
    case 'consumer_groups':
      return keys.groups
    case 'overview':
      return keys.overview
    case 'pipeline_logs':
      // The log's own query waits on the server and needs no nudge.
      return undefined
  }
}
