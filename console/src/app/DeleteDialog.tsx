import { sentence } from '../api/client.ts'
import type { Deletion } from '../api/changes.ts'
import { ConfirmDialog } from '../ui/Dialog.tsx'
import { useToast } from '../ui/Toasts.tsx'

interface DeleteDialogProps {
  /** What is deleted: `topic`, `consumer group`. */
  readonly what: string
  readonly name: string
  readonly consequence: string
  readonly deletion: Deletion
  /** Called after the deletion, to leave its page; otherwise the dialog closes. */
  readonly onDeleted?: () => void
  readonly onClose: () => void
}

/** Deletes something after its name has been typed, confirms it, and leaves its page. */
export function DeleteDialog({ what, name, consequence, deletion, onDeleted, onClose }: DeleteDialogProps) {
  const toast = useToast()
  return (
    <ConfirmDialog
      title={`Delete ${what}`}
      submit={`Delete ${what}`}
      typed={name}
      consequence={consequence}
      work={deletion}
      onClose={onClose}
      onConfirm={() =>
        deletion.mutate(undefined, {
          onSuccess: () => {
            toast({ tone: 'ok', title: `${sentence(what)} ${name} deleted` })
            if (onDeleted === undefined) onClose()
            else onDeleted()
          },
        })
      }
    />
  )
}
