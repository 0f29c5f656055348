import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '../../api/client.ts'
import type { Finding } from '../../api/types.ts'

/** How long a text rests before it is checked, in milliseconds. */
const restMs = 250

export interface Lint {
  /** The text that the findings are about. */
  readonly text: string
  readonly findings: readonly Finding[]
}

/** What the server finds wrong with a text, a moment after the last key. */
export function useLint(text: string): { lint: Lint | undefined; isChecking: boolean; error: Error | null } {
  const [rested, setRested] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), restMs)
    return () => clearTimeout(timer)
  }, [text])

  const isBlank = rested.trim() === ''
  const query = useQuery({
    queryKey: ['lint', rested],
    queryFn: async ({ signal }): Promise<Lint> => {
      const answer = await call('lint_pipeline_configuration', { configuration_yaml: rested }, signal)
      return { text: rested, findings: answer.findings }
    },
    enabled: !isBlank,
    staleTime: 60_000,
    gcTime: 60_000,
    placeholderData: before => before,
  })
  const lint = isBlank ? { text: rested, findings: [] } : query.data
  return { lint, isChecking: text !== rested || query.isFetching, error: query.error }
}
