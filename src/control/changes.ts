import type { ChangedEvent, ChangedSubject } from './api-types.ts'

/** Tells who listens that something changed, at most a few times a second for each listener. */
export class Changes {
  readonly #listeners = new Set<(subject: ChangedSubject, pipelineId: string | undefined) => void>()

  announce(subject: ChangedSubject, pipelineId?: string): void {
    for (const listener of this.#listeners) listener(subject, pipelineId)
  }

  /** Calls `listener` with all that changed since its last call. Returns the way to stop it. */
  subscribe(listener: (event: ChangedEvent) => void, intervalMs = 250): () => void {
    const subjects = new Set<ChangedSubject>()
    const pipelineIds = new Set<string>()
    let timer: NodeJS.Timeout | undefined
    const flush = () => {
      timer = undefined
      const event = { subjects: [...subjects], pipeline_ids: [...pipelineIds] }
      subjects.clear()
      pipelineIds.clear()
      listener(event)
    }
    const note = (subject: ChangedSubject, pipelineId: string | undefined) => {
      subjects.add(subject)
      if (pipelineId !== undefined) pipelineIds.add(pipelineId)
      timer ??= setTimeout(flush, intervalMs)
    }
    this.#listeners.add(note)
    return () => {
      this.#listeners.delete(note)
      clearTimeout(timer)
    }
  }

  /** Resolves at the next change of this kind, or when the time is over. */
  next(waitMs: number, subject: ChangedSubject, pipelineId?: string): Promise<void> {
    return new Promise(resolve => {
      const finish = () => {
        this.#listeners.delete(listener)
        clearTimeout(timer)
        resolve()
      }
      const listener = (changed: ChangedSubject, id: string | undefined) => {
        if (changed === subject && id === pipelineId) finish()
      }
      const timer = setTimeout(finish, waitMs)
      this.#listeners.add(listener)
    })
  }
}
