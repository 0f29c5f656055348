import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { clusterKeys } from './queries.ts'
import type { ChangedEvent, ChangedSubject } from './types.ts'

/** Whether the stream of changes is open; if it is not, pages poll. */
export type LiveState = 'connecting' | 'live' | 'lost'

/** How long to wait before opening a refused stream again, in milliseconds. */
const reopenMs = 5000

/** Listens for changes to a cluster and invalidates them in the cache, so that open pages show them within a second. */
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
        // The browser reopens a broken connection itself, but gives up after a response that is not an event stream.
        if (events.readyState === EventSource.CLOSED) timer = setTimeout(open, reopenMs)
      })
      events.addEventListener('changed', event => {
        const changed = JSON.parse(String(event.data)) as ChangedEvent // events come from our own control plane
        for (const subject of changed.subjects) {
          const queryKey = staleKey(clusterId, subject)
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

function staleKey(clusterId: string, subject: ChangedSubject): readonly string[] | undefined {
  const keys = clusterKeys(clusterId)
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
      // The log's own query waits on the server for new lines.
      return undefined
  }
}
