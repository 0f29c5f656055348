import { useBlocker } from '@tanstack/react-router'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'

/** Asks before a draft is lost to another page, another version, a reload or a closed window. */
export function LeaveGuard({ wouldLose }: { wouldLose: () => boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => {
      const sameDocument =
        next.pathname === current.pathname &&
        (next.search as { version?: number }).version === (current.search as { version?: number }).version
      return !sameDocument && wouldLose()
    },
    enableBeforeUnload: wouldLose,
    withResolver: true,
  })
  return (
    <Dialog
      open={blocker.status === 'blocked'}
      onClose={() => blocker.reset?.()}
      title="Discard the draft?"
      description="What you typed is not saved. Leaving this version throws it away."
    >
      <DialogForm
        danger
        submit="Discard"
        busy={false}
        onCancel={() => blocker.reset?.()}
        onSubmit={() => blocker.proceed?.()}
      />
    </Dialog>
  )
}
