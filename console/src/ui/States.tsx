import type { ReactNode } from 'react'
import { errorText, isForbidden, isNotFound } from '../api/client.ts'
import { Button } from './Button.tsx'
import { classNames } from './class-names.ts'
import { Icon, type IconName } from './Icon.tsx'

/** A grey bar instead of text that is still loading. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span
      aria-hidden="true"
      className={classNames('block animate-breathe rounded bg-hover', className ?? 'h-4 w-24')}
    />
  )
}

/** Rows instead of a table that is still loading. */
export function SkeletonRows({ rows = 5, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={`Loading ${label}`} className="divide-y divide-line">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-11 items-center gap-6 px-4">
          <Skeleton className="h-3.5 w-40" />
          <Skeleton className="h-3.5 w-16" />
          <Skeleton className="ml-auto h-3.5 w-24" />
        </div>
      ))}
    </div>
  )
}

export interface EmptyStateProps {
  readonly icon: IconName
  readonly title: ReactNode
  readonly children?: ReactNode
  readonly action?: ReactNode
}

/** Says that there is nothing here, and what to do about it. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center px-6 py-14 text-center">
      <span className="flex size-11 items-center justify-center rounded-xl border border-line bg-sunken text-muted shadow-1">
        <Icon name={icon} size={20} />
      </span>
      <div className="mt-4 text-base font-semibold">{title}</div>
      {children !== undefined && <div className="mt-1 max-w-md text-sm text-balance text-muted">{children}</div>}
      {action !== undefined && <div className="mt-5 flex gap-2">{action}</div>}
    </div>
  )
}

/** An error, with a retry button if retrying may help. */
export function ErrorState({ error, what, onRetry }: { error: unknown; what: string; onRetry?: () => void }) {
  if (isNotFound(error)) {
    return (
      <div role="alert">
        <EmptyState icon="search" title={`This ${what} does not exist`}>
          It may have been deleted, or the address is mistyped.
        </EmptyState>
      </div>
    )
  }
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-14 text-center">
      <span className="flex size-11 items-center justify-center rounded-xl border border-bad-line bg-bad-soft text-bad">
        <Icon name="error" size={20} />
      </span>
      <p className="mt-4 text-base font-semibold">{`Cannot load the ${what}`}</p>
      <p className="mt-1 max-w-lg text-sm break-words text-muted">{errorText(error)}</p>
      {onRetry !== undefined && !isForbidden(error) && (
        <Button icon="refresh" className="mt-5" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** A sentence in a coloured box. */
export function Notice({
  tone,
  children,
  action,
}: {
  tone: 'warn' | 'bad' | 'accent'
  children: ReactNode
  action?: ReactNode
}) {
  const look = {
    warn: 'border-warn-line bg-warn-soft text-warn',
    bad: 'border-bad-line bg-bad-soft text-bad',
    accent: 'border-accent-line bg-accent-soft text-accent-text',
  }[tone]
  return (
    <div className={classNames('flex min-h-10 items-center gap-3 rounded-md border px-3 py-1.5', look)}>
      <Icon name={tone === 'accent' ? 'info' : 'warning'} />
      <p className="min-w-0 flex-1 text-sm break-words text-ink">{children}</p>
      {action}
    </div>
  )
}
