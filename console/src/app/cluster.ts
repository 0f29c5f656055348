import { useSearch } from '@tanstack/react-router'
import { createContext, useContext, useMemo } from 'react'
import { clusterQueries } from '../api/queries.ts'
import type { DescribeSessionResponse } from '../api/types.ts'

/** The signed-in session; defined below the session gate. */
export const SessionContext = createContext<DescribeSessionResponse | undefined>(undefined)

export function useSession(): DescribeSessionResponse {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('this page is outside of the session gate')
  return session
}

/** The virtual cluster that the pages show, from the URL or else the session, and its queries. */
export function useCluster() {
  const { default_virtual_cluster_id: defaultId } = useSession()
  const { cluster: clusterId = defaultId } = useSearch({ strict: false })
  return useMemo(() => ({ clusterId, queries: clusterQueries(clusterId) }), [clusterId])
}
