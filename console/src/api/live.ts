import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { keys } from './queries.ts'
import type { ChangedEvent, ChangedSubject } from './types.ts'

/** Whether the stream of changes is open; while it is not, the pages read at intervals. */
export type LiveState = 'connecting' | 'live' | 'lost'

/** How long a stream that was refused is left alone, in milliseconds. */
const reopenMs = 5000

/** Listens to what changes on the server and marks it stale, so that every open page shows it within the second. */
export function useLiveChanges(clusterId: string): LiveState {
  const client = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')

  useEffect(() => {
    let events: EventSource
    let timer: ReturnType<typeof setTimeout> | undefined
    const open = () => {
      events = new EventSource(`/api/v1/events?virtual_cluster_id=${encodeURIComponent(clusterId)}`)
      events.addEventListener('open', () => setState('live'))
      events.addEventListener('error', () => {
        setState('lost')
        // A broken connection is opened again by the browser; after an answer that is no stream it gives up for good.
        if (events.readyState === EventSource.CLOSED) timer = setTimeout(open, reopenMs)
      })
      events.addEventListener('changed', event => {
        const changed = JSON.parse(String(event.data)) as ChangedEvent
        for (const subject of changed.subjects) {
          const queryKey = staleKey(subject)
          if (queryKey !== undefined) void client.invalidateQueries({ queryKey })
        }
      })
    }
    open()
    return () => {
      clearTimeout(timer)
      events.close()
    }
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
