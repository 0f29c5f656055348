import type { ChangedEvent, ChangedSubject } from './api-types.ts'

/** A change to a cluster, announced so that open pages reload it. */
export interface Change {
  readonly clusterId: string
  readonly subject: ChangedSubject
  readonly pipelineId?: string
}

/** Distributes changes to listeners in this process. Nothing depends on an announcement: it only shortens a wait. */
export class Changes {
  readonly #listeners = new Set<(change: Change) => void>()

  announce(clusterId: string, subject: ChangedSubject, pipelineId?: string): void {
    for (const listener of this.#listeners)
      listener({ clusterId, subject, ...(pipelineId !== undefined && { pipelineId }) })
  }

  /** Calls `listener` with what changed in a cluster since its last call. Returns a function that stops listening. */
  subscribe(clusterId: string, listener: (event: ChangedEvent) => void, intervalMs = 250): () => void {
    const subjects = new Set<ChangedSubject>()
    const pipelineIds = new Set<string>()
    let timer: NodeJS.Timeout | undefined
    const flush = () => {
      timer = undefined
      const event = { virtual_cluster_id: clusterId, subjects: [...subjects], pipeline_ids: [...pipelineIds] }
      subjects.clear()
      pipelineIds.clear()
      listener(event)
    }
    const note = (change: Change) => {
      if (change.clusterId !== clusterId) return
      subjects.add(change.subject)
      if (change.pipelineId !== undefined) pipelineIds.add(change.pipelineId)
      timer ??= setTimeout(flush, intervalMs)
    }
    this.#listeners.add(note)
    return () => {
      this.#listeners.delete(note)
      clearTimeout(timer)
    }
  }

  /** Resolves at the next change for which `isWanted` returns true, or after `waitMs`. */
  next(waitMs: number, isWanted: (change: Change) => boolean): Promise<void> {
    return new Promise(resolve => {
      const finish = () => {
        this.#listeners.delete(listener)
        clearTimeout(timer)
        resolve()
      }
      const listener = (change: Change) => {
        if (isWanted(change)) finish()
      }
      const timer = setTimeout(finish, waitMs)
      this.#listeners.add(listener)
    })
  }
}
