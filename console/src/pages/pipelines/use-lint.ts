import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '../../api/client.ts'
import { clusterKeys } from '../../api/queries.ts'
import type { Finding } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'

/** How long typing must pause before the text is checked, in milliseconds. */
const restMs = 250

export interface Lint {
  /** The text that the findings refer to. */
  readonly text: string
  readonly findings: readonly Finding[]
}

interface Linting {
  /** Undefined until the first text of a document was checked; while the user is typing, that of the previous text. */
  readonly lint: Lint | undefined
  readonly isChecking: boolean
  readonly error: Error | null
}

/** The server's findings for a document's text: immediately when it is opened, and shortly after the last keystroke. */
export function useLint(documentId: string, text: string): Linting {
  const { clusterId } = useCluster()
  const [rested, setRested] = useState({ documentId, text })
  if (rested.documentId !== documentId) setRested({ documentId, text })
  useEffect(() => {
    const timer = setTimeout(() => setRested({ documentId, text }), restMs)
    return () => clearTimeout(timer)
  }, [documentId, text])

  const isBlank = rested.text.trim() === ''
  const query = useQuery({
    queryKey: [...clusterKeys(clusterId).lint, rested.documentId, rested.text],
    queryFn: async ({ signal }): Promise<Lint> => {
      const answer = await call('lint_pipeline_configuration', { configuration_yaml: rested.text }, signal)
      return { text: rested.text, findings: answer.findings }
    },
    enabled: !isBlank,
    staleTime: 60_000,
    gcTime: 60_000,
    placeholderData: (before, beforeQuery) => (beforeQuery?.queryKey.at(-2) === rested.documentId ? before : undefined),
  })
  const lint = isBlank ? { text: rested.text, findings: [] } : query.data
  return { lint, isChecking: text !== rested.text || query.isFetching, error: query.error }
}
