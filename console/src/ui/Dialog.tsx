import { Dialog as Radix } from 'radix-ui'
import { type FormEvent, type ReactNode, useState } from 'react'
import { errorText } from '../api/client.ts'
import { Button, IconButton } from './Button.tsx'
import { classNames } from './class-names.ts'
import { Field } from './Field.tsx'
import { Notice } from './States.tsx'
import { useFocusReturn } from './use-focus-return.ts'

interface DialogProps {
  readonly onClose: () => void
  readonly title: string
  readonly description?: ReactNode
  readonly wide?: boolean
  readonly children: ReactNode
}

/** A modal dialog, open while it is rendered; Escape and a click outside close it. */
export function Dialog({ onClose, title, description, wide = false, children }: DialogProps) {
  const returnFocus = useFocusReturn()
  return (
    <Radix.Root open onOpenChange={next => next || onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 animate-appear bg-scrim backdrop-blur-[2px]" />
        <Radix.Content
          onCloseAutoFocus={returnFocus}
          {...(description === undefined ? { 'aria-describedby': undefined } : {})}
          className={classNames(
            'fixed inset-x-0 top-[14vh] z-50 mx-auto max-h-[76vh] w-[calc(100%-2rem)] animate-rise overflow-y-auto rounded-xl border border-line bg-raised shadow-3 focus:outline-none',
            wide ? 'max-w-2xl' : 'max-w-md',
          )}
        >
          <div className="flex items-start gap-4 px-5 pt-4">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold tracking-tight break-words">{title}</Radix.Title>
              {description !== undefined && (
                <Radix.Description className="mt-1 text-sm break-words text-muted">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton icon="close" label="Close" className="-mr-1.5" />
            </Radix.Close>
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** A form's call to the server, and its result. */
export interface Work {
  readonly isPending: boolean
  readonly error: Error | null
}

/** The form inside a dialog: fields, the server's error, and the two buttons. */
export function DialogForm({
  onSubmit,
  onCancel,
  submit,
  danger = false,
  work = { isPending: false, error: null },
  disabled = false,
  problem,
  children,
}: {
  onSubmit: () => void
  onCancel: () => void
  submit: string
  danger?: boolean
  work?: Work | undefined
  disabled?: boolean
  /** An error concerning several fields together. */
  problem?: string | undefined
  children?: ReactNode
}) {
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (!disabled && !work.isPending) onSubmit()
  }
  const notice = problem ?? (work.error === null ? undefined : errorText(work.error))
  return (
    <form onSubmit={handleSubmit} className="px-5 pb-4">
      <div className="flex flex-col gap-4 not-empty:pt-4">
        {children}
        {notice !== undefined && (
          <div role="alert">
            <Notice tone="bad">{notice}</Notice>
          </div>
        )}
      </div>
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant={danger ? 'danger' : 'primary'} busy={work.isPending} disabled={disabled}>
          {submit}
        </Button>
      </div>
    </form>
  )
}

/** What a dialog shows after it has done its work, such as a secret that is shown once. */
export function DialogResult({ children, onClose }: { children: ReactNode; onClose: () => void }) {
  return (
    <div className="px-5 pb-4">
      <div className="flex flex-col gap-4 pt-4">{children}</div>
      <div className="mt-5 flex justify-end">
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  )
}

interface ConfirmDialogProps {
  readonly title: string
  readonly consequence: string
  /** The button's label, e.g. `Delete topic`. */
  readonly submit: string
  /** A name that has to be typed first, for irreversible deletions. */
  readonly typed?: string
  readonly work?: Work
  readonly onConfirm: () => void
  readonly onClose: () => void
}

/** Asks for confirmation before something is deleted permanently. */
export function ConfirmDialog({
  title,
  consequence,
  typed: name = '',
  onConfirm,
  onClose,
  ...form
}: ConfirmDialogProps) {
  const [typed, setTyped] = useState('')
  return (
    <Dialog title={title} description={consequence} onClose={onClose}>
      <DialogForm danger {...form} disabled={typed !== name} onCancel={onClose} onSubmit={onConfirm}>
        {name !== '' && (
          <Field
            autoFocus
            label={<span className="break-words">Type {name} to confirm</span>}
            value={typed}
            onChange={event => setTyped(event.target.value)}
          />
        )}
      </DialogForm>
    </Dialog>
  )
}
