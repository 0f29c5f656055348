import { useBlocker } from '@tanstack/react-router'
import { ConfirmDialog } from '../../ui/Dialog.tsx'

/** Asks before a draft is lost by opening another page or version, reloading, or closing the window. */
export function LeaveGuard({ wouldLose, onDiscard }: { wouldLose: () => boolean; onDiscard: () => void }) {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => {
      const sameDocument =
        next.pathname === current.pathname &&
        // Only one page has this parameter.
        (next.search as { version?: number }).version === (current.search as { version?: number }).version
      return !sameDocument && wouldLose()
    },
    enableBeforeUnload: wouldLose,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  return (
    <ConfirmDialog
      title="Discard the draft?"
      consequence="Your changes are not saved. Leaving this version discards them."
      submit="Discard"
      onConfirm={() => {
        // The version navigated to may be the one that was changed.
        onDiscard()
        blocker.proceed()
      }}
      onClose={blocker.reset}
    />
  )
}
