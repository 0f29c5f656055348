import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type LiveState, useLiveChanges } from '../api/live.ts'
import { useSignOut } from '../api/queries.ts'
import { IconButton } from '../ui/Button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Icon, type IconName, Logo } from '../ui/Icon.tsx'
import { commandKey, Kbd } from '../ui/Kbd.tsx'
import { Menu } from '../ui/Menu.tsx'
import { Dot } from '../ui/Pill.tsx'
import { CommandPalette } from './CommandPalette.tsx'
import { useCluster, useSession } from './cluster.ts'
import { ShortcutsDialog } from './ShortcutsDialog.tsx'
import { useShortcuts } from './shortcuts.ts'
import { type ThemeChoice, useTheme } from './theme.tsx'

interface Place {
  readonly to: '/' | '/topics' | '/pipelines' | '/consumers' | '/agents'
  readonly label: string
  readonly icon: IconName
  /** Pressed after `g`. */
  readonly key: string
}

/** The site's sections, in the order of the side bar. */
export const places: readonly Place[] = [
  { to: '/', label: 'Overview', icon: 'overview', key: 'o' },
  { to: '/topics', label: 'Topics', icon: 'topics', key: 't' },
  { to: '/pipelines', label: 'Pipelines', icon: 'pipelines', key: 'p' },
  { to: '/consumers', label: 'Consumers', icon: 'consumers', key: 'c' },
  { to: '/agents', label: 'Agents', icon: 'agents', key: 'a' },
]

/** The frame of every page: sections on the left, the page on the right. */
export function Shell() {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const live = useLiveChanges(clusterId)
  const [paletteOpen, setPaletteOpen] = useState(false)
  const [shortcutsOpen, setShortcutsOpen] = useState(false)

  useShortcuts({
    palette: () => setPaletteOpen(open => !open),
    help: () => setShortcutsOpen(true),
    go: key => {
      const place = places.find(candidate => candidate.key === key)
      if (place !== undefined) void navigate({ to: place.to })
    },
  })

  return (
    <div className="grid h-dvh grid-cols-[3.5rem_minmax(0,1fr)] lg:grid-cols-[14rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="fixed top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-1.5 text-sm font-medium text-accent-ink focus:translate-y-0"
      >
        Skip to the content
      </a>
      <aside className="flex min-h-0 flex-col border-r border-line bg-sunken px-2 py-3 lg:px-3">
        <Link to="/" className="flex h-9 items-center gap-2.5 rounded-md px-1.5" aria-label="Penstock: overview">
          <Logo size={24} />
          <span className="hidden text-base font-semibold tracking-tight lg:inline">Penstock</span>
        </Link>
        <button
          type="button"
          onClick={() => setPaletteOpen(true)}
          aria-label="Search and commands"
          className="mt-3 flex h-8 items-center justify-center gap-2 rounded-md border border-line bg-surface px-2 text-sm text-faint shadow-1 transition-colors hover:border-line-strong hover:text-muted lg:justify-start"
        >
          <Icon name="search" size={14} />
          <span className="hidden flex-1 text-left lg:inline">Search…</span>
          <span className="hidden lg:inline">
            <Kbd keys={[commandKey, 'K']} />
          </span>
        </button>
        <nav aria-label="Sections" className="mt-4 flex flex-col gap-0.5">
          {places.map(place => (
            <PlaceLink key={place.to} place={place} />
          ))}
        </nav>
        <Footer live={live} onShortcuts={() => setShortcutsOpen(true)} />
      </aside>
      <main id="content" tabIndex={-1} className="min-h-0 min-w-0 overflow-hidden outline-none">
        <Outlet />
      </main>
      {live === 'lost' && <LostBar />}
      <CommandPalette
        open={paletteOpen}
        onClose={() => setPaletteOpen(false)}
        onShortcuts={() => setShortcutsOpen(true)}
      />
      <ShortcutsDialog open={shortcutsOpen} onClose={() => setShortcutsOpen(false)} />
    </div>
  )
}

function PlaceLink({ place }: { place: Place }) {
  return (
    <Link
      to={place.to}
      title={place.label}
      activeOptions={{ exact: place.to === '/', includeSearch: false }}
      className="group flex h-8 items-center justify-center gap-2.5 rounded-md px-2 text-sm font-medium text-muted transition-colors hover:bg-hover hover:text-ink aria-[current=page]:bg-pressed aria-[current=page]:text-ink lg:justify-start"
    >
      <Icon name={place.icon} className="group-aria-[current=page]:text-accent-text" />
      <span className="sr-only lg:not-sr-only">{place.label}</span>
    </Link>
  )
}

const themeLabels: Record<ThemeChoice, { label: string; icon: IconName }> = {
  system: { label: 'As the system', icon: 'system' },
  light: { label: 'Light', icon: 'sun' },
  dark: { label: 'Dark', icon: 'moon' },
}

function Footer({ live, onShortcuts }: { live: LiveState; onShortcuts: () => void }) {
  const session = useSession()
  const theme = useTheme()
  const signOut = useSignOut()
  const navigate = useNavigate()
  return (
    <div className="mt-auto flex flex-col gap-2">
      <div className="flex flex-col items-center gap-0.5 lg:flex-row">
        <Menu
          align="start"
          trigger={<IconButton icon={themeLabels[theme.choice].icon} label="Theme" />}
          items={(['system', 'light', 'dark'] as const).map(choice => ({
            ...themeLabels[choice],
            onSelect: () => theme.choose(choice),
          }))}
        />
        <IconButton icon="keyboard" label="Keyboard shortcuts" onClick={onShortcuts} />
        <IconButton
          icon="signOut"
          label="Sign out"
          className="lg:ml-auto"
          disabled={signOut.isPending}
          // Leaving the page first lets an open draft ask; where the person stays, nobody is signed out.
          onClick={() => void navigate({ to: '/' }).then(() => signOut.mutate())}
        />
      </div>
      <div
        className="flex items-center justify-center gap-2 border-t border-line px-1.5 pt-2.5 text-xs text-faint lg:justify-start"
        title={liveTexts[live].title}
      >
        <Dot tone={live === 'live' ? 'ok' : live === 'lost' ? 'bad' : 'neutral'} moving={live !== 'live'} />
        <span role="status" className={classNames('hidden lg:inline', live === 'lost' && 'text-bad')}>
          {liveTexts[live].label}
        </span>
        <span className="ml-auto hidden truncate lg:inline">{session.version}</span>
      </div>
    </div>
  )
}

/** Over the page rather than in it, so that nothing moves when the connection breaks and comes back. */
function LostBar() {
  return (
    <div
      role="alert"
      className="fixed bottom-4 left-1/2 z-30 flex h-8 -translate-x-1/2 animate-rise items-center gap-2 rounded-full border border-bad-line bg-bad-soft px-3.5 text-xs font-medium text-ink shadow-2"
    >
      <Icon name="warning" size={14} className="text-bad" />
      The control plane does not answer. What you see may be old.
    </div>
  )
}

const liveTexts: Record<LiveState, { label: string; title: string }> = {
  connecting: { label: 'Connecting', title: 'Opening the stream of changes' },
  live: { label: 'Live', title: 'Changes show as they happen' },
  lost: { label: 'Reconnecting', title: 'The control plane does not answer; what you see may be old' },
}
