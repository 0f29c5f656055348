import { Link } from '@tanstack/react-router'
import { errorText } from '../api/client.ts'
import { Button, buttonClass } from '../ui/Button.tsx'
import { EmptyState, type EmptyStateProps, Skeleton } from '../ui/States.tsx'

export function PageNotFound() {
  return (
    <EmptyPage
      icon="search"
      title="This page does not exist"
      action={
        <Link to="/" className={buttonClass()}>
          Go to the overview
        </Link>
      }
    >
      What it showed may have been deleted, or the address is mistyped.
    </EmptyPage>
  )
}

/** Replaces a page that threw an error; the frame around it keeps working. */
export function PageCrashed({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <div role="alert">
      <EmptyPage
        icon="error"
        title="This page stopped working"
        action={
          <Button icon="refresh" onClick={reset}>
            Try again
          </Button>
        }
      >
        {errorText(error)}
      </EmptyPage>
    </div>
  )
}

/** A page with only a message, which is its heading. */
export function EmptyPage({ title, ...rest }: EmptyStateProps & { title: string }) {
  return (
    <>
      <title>{`${title} · Penstock`}</title>
      <EmptyState {...rest} title={<h1>{title}</h1>} />
    </>
  )
}

export function PageLoading() {
  return (
    <div role="status" aria-label="Loading the page" className="mx-auto w-full max-w-6xl px-4 pt-6 sm:px-8">
      <Skeleton className="h-7 w-48" />
      <Skeleton className="mt-6 h-64 w-full rounded-lg" />
    </div>
  )
}
