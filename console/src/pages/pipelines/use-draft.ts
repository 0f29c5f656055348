import { useLayoutEffect, useRef, useState } from 'react'
import type { PipelineConfiguration } from '../../api/types.ts'

export interface Draft {
  /** Identifies the editor's document: it changes when another version is opened, but not when a draft is saved. */
  readonly documentId: string
  readonly baseText: string
  readonly text: string
  readonly isDirty: boolean
  readonly setText: (text: string) => void
  /** The text was saved as this version; the editor keeps it, with cursor and undo history. */
  readonly settle: (saved: PipelineConfiguration) => void
  /** Discards what was typed. */
  readonly discard: () => void
  /** Whether leaving now would lose something; evaluated when called, not when rendered. */
  readonly wouldLose: () => boolean
}

interface Session {
  readonly document: number
  readonly baseId: string | undefined
  readonly baseText: string
  readonly text: string
  /** The version whose page was open when the draft was saved; navigation to the saved version is in progress. */
  readonly leaving: { readonly id: string | undefined } | undefined
}

/** A draft based on a saved version, or on nothing. */
export function useDraft(base: PipelineConfiguration | undefined): Draft {
  const [session, setSession] = useState<Session>(() => open(base, 0))
  let current = session
  const isLeaving = session.leaving !== undefined && session.leaving.id === base?.id
  if (session.baseId !== base?.id && !isLeaving) {
    current = open(base, session.document + 1)
    setSession(current)
  }
  const latest = useRef(current)
  useLayoutEffect(() => {
    latest.current = current
  }, [current])

  const change = (next: Session) => {
    latest.current = next
    setSession(next)
  }
  return {
    documentId: String(current.document),
    baseText: current.baseText,
    text: current.text,
    isDirty: current.text !== current.baseText,
    setText: text => change({ ...latest.current, text }),
    settle: saved =>
      change({
        ...latest.current,
        baseId: saved.id,
        baseText: saved.configuration_yaml,
        leaving: { id: base?.id },
      }),
    discard: () => change(open(base, latest.current.document + 1)),
    wouldLose: () => latest.current.text !== latest.current.baseText,
  }
}

function open(base: PipelineConfiguration | undefined, document: number): Session {
  const text = base?.configuration_yaml ?? ''
  return { document, baseId: base?.id, baseText: text, text, leaving: undefined }
}
