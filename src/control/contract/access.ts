/**
 * What a caller needs. This is the only table of key kinds, grants and read-only rights; every endpoint names one of
 * its rows, and a test calls every endpoint with every kind of key.
 */
export const accessLevels = {
  /** No key: signing in and out. */
  public: { key: 'none', grant: 'none', readOnlyKey: true },
  /** Any application key or signed-in browser; the response contains nothing of a cluster. */
  application: { key: 'application', grant: 'none', readOnlyKey: true },
  /** Reads the cluster that the request names. */
  cluster_read: { key: 'application', grant: 'cluster', readOnlyKey: true },
  /** Changes the cluster that the request names. */
  cluster_write: { key: 'application', grant: 'cluster', readOnlyKey: false },
  /** Changes the workspace, or reads secrets, with which a read-only key could make changes. */
  workspace_write: { key: 'application', grant: 'workspace', readOnlyKey: false },
} as const satisfies Readonly<Record<string, AccessNeeds>>

export interface AccessNeeds {
  readonly key: 'none' | 'application'
  /** `cluster`: a grant for the cluster in `virtual_cluster_id`; `workspace`: a grant for the whole workspace. */
  readonly grant: 'none' | 'cluster' | 'workspace'
  /** Whether a read-only key is sufficient. */
  readonly readOnlyKey: boolean
}

export type AccessLevel = keyof typeof accessLevels
