import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { errorText, isSignedOut } from '../api/client.ts'
import { useSignIn } from '../api/changes.ts'
import { sessionQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Logo } from '../ui/Icon.tsx'
import { ErrorState } from '../ui/States.tsx'
import { SessionContext } from './cluster.ts'

/**
 * The token of a sign-in link. It is removed from the URL immediately, so that it appears in no history or screenshot.
 */
let linkToken = takeTokenFromAddress()

/** Shows the console to signed-in users, and the sign-in page to everyone else. */
export function SessionGate({ children }: { children: ReactNode }) {
  const signIn = useSignIn()
  const [waitsForLink, setWaitsForLink] = useState(linkToken !== undefined)
  const session = useQuery({ ...sessionQuery, enabled: !waitsForLink })

  const { mutate } = signIn
  useEffect(() => {
    const token = linkToken
    if (token === undefined) return
    linkToken = undefined
    mutate(token, { onSettled: () => setWaitsForLink(false) })
  }, [mutate])

  const signedOut = isSignedOut(session.error)
  const signInPage = (
    <SignInPage
      returning={session.data !== undefined}
      busy={signIn.isPending}
      error={signIn.error === null ? undefined : errorText(signIn.error)}
      onSignIn={token => signIn.mutate(token)}
    />
  )
  if (session.data !== undefined) {
    // A session that ends does not discard what the user was typing: the pages stay mounted below the sign-in page.
    return (
      <SessionContext value={session.data}>
        <div inert={signedOut}>{children}</div>
        {signedOut && <div className="fixed inset-0 z-60 bg-page">{signInPage}</div>}
      </SessionContext>
    )
  }
  if (waitsForLink || session.isPending) return <SplashPage />
  if (signedOut) return signInPage
  return (
    <main className="flex min-h-dvh items-center justify-center">
      <ErrorState error={session.error} what="session" onRetry={() => void session.refetch()} />
    </main>
  )
}

function SplashPage() {
  return (
    <main
      role="status"
      aria-label="Opening the console"
      className="flex min-h-dvh animate-breathe items-center justify-center"
    >
      <Logo size={40} />
    </main>
  )
}

function SignInPage({
  returning,
  onSignIn,
  busy,
  error,
}: {
  /** There was a session, and it ended. */
  returning: boolean
  onSignIn: (token: string) => void
  busy: boolean
  error: string | undefined
}) {
  const [token, setToken] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (token.trim() !== '') onSignIn(token.trim())
  }
  return (
    <main className="flex min-h-dvh items-center justify-center px-4">
      <form onSubmit={submit} className="w-full max-w-sm rounded-xl border border-line bg-surface p-7 shadow-2">
        <Logo size={36} />
        <h1 className="mt-5 text-xl font-semibold tracking-tight">
          {returning ? 'Sign in again' : 'Sign in to Penstock'}
        </h1>
        <p className="mt-1.5 mb-5 text-sm text-muted">
          {returning
            ? 'The session has ended. What you were typing is still there.'
            : 'Open the link that Penstock printed when it started, or enter an application key.'}
        </p>
        <Field
          autoFocus
          type="password"
          label="Application key"
          placeholder="aks_…"
          value={token}
          error={error}
          onChange={event => setToken(event.target.value)}
        />
        <Button type="submit" variant="primary" busy={busy} disabled={token.trim() === ''} className="mt-4 w-full">
          Sign in
        </Button>
      </form>
    </main>
  )
}

function takeTokenFromAddress(): string | undefined {
  const address = new URL(location.href)
  const token = address.searchParams.get('token')
  if (token === null || token === '') return undefined
  address.searchParams.delete('token')
  history.replaceState(history.state, '', address)
  return token
}
