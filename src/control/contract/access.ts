/**
 * What a caller needs. This is the one table of key kinds, grants and read-only rights; every endpoint names one of its
 * rows, and a test calls every endpoint with every kind of key.
 */
export const accessLevels = {
  /** No key: signing in and out. */
  public: { key: 'none', grant: 'none', readOnlyKey: true },
  /** Any application key or signed-in browser; the answer holds nothing of a cluster. */
  application: { key: 'application', grant: 'none', readOnlyKey: true },
  /** Reads the cluster that the request names. */
  cluster_read: { key: 'application', grant: 'cluster', readOnlyKey: true },
  /** Changes the cluster that the request names. */
  cluster_write: { key: 'application', grant: 'cluster', readOnlyKey: false },
  /** Changes what belongs to the whole workspace, or reads secrets, which would let a read-only key make changes. */
  workspace_write: { key: 'application', grant: 'workspace', readOnlyKey: false },
} as const satisfies Readonly<Record<string, AccessNeeds>>

export interface AccessNeeds {
  readonly key: 'none' | 'application'
  /** `cluster`: a grant for the cluster in `virtual_cluster_id`; `workspace`: one for everything in the workspace. */
  readonly grant: 'none' | 'cluster' | 'workspace'
  /** Whether a read-only key is enough. */
  readonly readOnlyKey: boolean
}

export type AccessLevel = keyof typeof accessLevels
