import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type LiveState, useLiveChanges } from '../api/live.ts'
import { useSignOut } from '../api/changes.ts'
import { IconButton } from '../ui/Button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Icon, type IconName, Logo } from '../ui/Icon.tsx'
import { commandKey, Kbd } from '../ui/Kbd.tsx'
import { Menu } from '../ui/Menu.tsx'
import { Dot } from '../ui/Pill.tsx'
import { ClusterBoundary, ClusterMenu } from './ClusterMenu.tsx'
import { CommandPalette } from './CommandPalette.tsx'
import { useCluster, useSession } from './cluster.ts'
import { type SectionLink, useSections } from './sections.ts'
import { ShortcutsDialog } from './ShortcutsDialog.tsx'
import { useShortcuts } from './shortcuts.ts'
import { type ThemeChoice, useTheme } from './theme.tsx'

/** The frame of every page: the sections at the side, or at the bottom on a phone, and the page. */
export function Shell() {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const sections = useSections()
  const live = useLiveChanges(clusterId)
  const [paletteOpen, setPaletteOpen] = useState(false)
  const [shortcutsOpen, setShortcutsOpen] = useState(false)

  useShortcuts({
    palette: () => setPaletteOpen(open => !open),
    help: () => setShortcutsOpen(true),
    go: key => {
      const section = sections.find(candidate => candidate.key === key)
      if (section !== undefined) void navigate({ to: section.to })
    },
  })

  return (
    <div className="flex h-dvh flex-col sm:grid sm:grid-cols-[3.5rem_minmax(0,1fr)] lg:grid-cols-[14rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="fixed top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-1.5 text-sm font-medium text-accent-ink focus:translate-y-0"
      >
        Skip to content
      </a>
      <header className="flex shrink-0 items-center gap-2 border-b border-line bg-sunken px-3 py-2 sm:min-h-0 sm:flex-col sm:items-stretch sm:gap-0 sm:border-r sm:border-b-0 sm:px-2 sm:py-3 lg:px-3">
        <Link
          to="/"
          className="flex h-8 items-center gap-2.5 rounded-md px-1.5 sm:h-9"
          aria-label="Penstock: go to the overview"
        >
          <Logo size={24} />
          <span className="text-base font-semibold tracking-tight sm:hidden lg:inline">Penstock</span>
        </Link>
        <ClusterMenu />
        <button
          type="button"
          onClick={() => setPaletteOpen(true)}
          title="Search and commands"
          className="ml-auto flex h-8 w-10 items-center justify-center gap-2 rounded-md border border-line bg-surface px-2 text-sm text-faint shadow-1 transition-colors hover:border-line-strong hover:text-muted sm:mt-2 sm:ml-0 sm:w-auto lg:justify-start"
        >
          <Icon name="search" size={14} />
          <span className="flex-1 text-left max-lg:sr-only">Search…</span>
          <span aria-hidden="true" className="hidden lg:inline">
            <Kbd keys={[commandKey, 'K']} />
          </span>
        </button>
        <nav aria-label="Sections" className={sectionsClass}>
          {sections.map((section, at) => (
            <SectionEntry
              key={section.to}
              section={section}
              // A line separates the sections that belong to no single cluster.
              isApart={section.rank === 'workspace' && sections[at - 1]?.rank !== 'workspace'}
            />
          ))}
          <MoreSections sections={sections.filter(section => section.rank !== 'first')} />
        </nav>
        <Footer live={live} onShortcuts={() => setShortcutsOpen(true)} />
      </header>
      <main id="content" tabIndex={-1} className="mb-14 min-h-0 min-w-0 flex-1 overflow-hidden outline-none sm:mb-0">
        <ClusterBoundary>
          <Outlet />
        </ClusterBoundary>
      </main>
      {live === 'lost' && <LostBar />}
      {paletteOpen && (
        <CommandPalette onClose={() => setPaletteOpen(false)} onShortcuts={() => setShortcutsOpen(true)} />
      )}
      {shortcutsOpen && <ShortcutsDialog onClose={() => setShortcutsOpen(false)} />}
    </div>
  )
}

const sectionsClass = classNames(
  'fixed inset-x-0 bottom-0 z-20 grid h-14 auto-cols-fr grid-flow-col gap-0.5 border-t border-line bg-sunken p-1',
  'sm:static sm:mt-4 sm:flex sm:h-auto sm:flex-col sm:border-t-0 sm:p-0',
)

const sectionClass = classNames(
  'group flex flex-col items-center justify-center gap-0.5 rounded-md px-1 text-[0.6875rem] font-medium text-muted transition-colors',
  'hover:bg-hover hover:text-ink aria-[current=page]:bg-pressed aria-[current=page]:text-ink',
  'sm:h-8 sm:flex-row sm:gap-2.5 sm:px-2 sm:text-sm lg:justify-start',
)

function SectionEntry({ section, isApart }: { section: SectionLink; isApart: boolean }) {
  return (
    <Link
      to={section.to}
      title={section.label}
      activeOptions={{ exact: section.to === '/', includeSearch: false }}
      className={classNames(
        sectionClass,
        section.rank !== 'first' && 'max-sm:hidden',
        isApart &&
          "relative mt-4 before:absolute before:inset-x-0 before:-top-2 before:border-t before:border-line before:content-['']",
      )}
    >
      <Icon name={section.icon} className="group-aria-[current=page]:text-accent-text" />
      <span className="sm:sr-only lg:not-sr-only">{section.label}</span>
    </Link>
  )
}

/** The sections that a phone's bar has no room for. */
function MoreSections({ sections }: { sections: readonly SectionLink[] }) {
  const navigate = useNavigate()
  return (
    <div className="grid sm:hidden">
      <Menu
        trigger={
          <button type="button" aria-label="More sections" className={sectionClass}>
            <Icon name="more" />
            More
          </button>
        }
        items={sections.map(({ label, icon, to }) => ({ label, icon, onSelect: () => void navigate({ to }) }))}
      />
    </div>
  )
}

const themeLabels: Record<ThemeChoice, { label: string; icon: IconName }> = {
  system: { label: 'System theme', icon: 'system' },
  light: { label: 'Light theme', icon: 'sun' },
  dark: { label: 'Dark theme', icon: 'moon' },
}

function Footer({ live, onShortcuts }: { live: LiveState; onShortcuts: () => void }) {
  const session = useSession()
  const theme = useTheme()
  const signOut = useSignOut()
  const navigate = useNavigate()
  return (
    <div className="flex items-center gap-2 sm:mt-auto sm:flex-col sm:items-stretch">
      <div className="flex items-center gap-0.5 sm:flex-col lg:flex-row">
        <Menu
          align="start"
          trigger={<IconButton icon={themeLabels[theme.choice].icon} label="Theme" />}
          items={(['system', 'light', 'dark'] as const).map(choice => ({
            ...themeLabels[choice],
            onSelect: () => theme.choose(choice),
          }))}
        />
        <span className="hidden sm:inline">
          <IconButton icon="keyboard" label="Keyboard shortcuts" onClick={onShortcuts} />
        </span>
        <IconButton
          icon="signOut"
          label="Sign out"
          className="lg:ml-auto"
          disabled={signOut.isPending}
          // An open draft asks before its page is left; a user who stays is not signed out.
          onClick={() => void navigate({ to: '/' }).then(() => signOut.mutate())}
        />
      </div>
      <div
        className="flex items-center justify-center gap-2 px-1.5 text-xs text-faint sm:border-t sm:border-line sm:pt-2.5 lg:justify-start"
        title={liveTexts[live].title}
      >
        <Dot tone={live === 'live' ? 'ok' : live === 'lost' ? 'bad' : 'neutral'} moving={live !== 'live'} />
        <span role="status" className={classNames('sr-only lg:not-sr-only', live === 'lost' && 'text-bad')}>
          {liveTexts[live].label}
        </span>
        <span className="ml-auto hidden truncate lg:inline">{session.version}</span>
      </div>
    </div>
  )
}

/** Floats over the page, so that nothing moves when the connection is lost and restored. */
function LostBar() {
  return (
    <div
      role="alert"
      className="fixed bottom-16 left-1/2 z-30 flex h-8 w-max max-w-[calc(100%-1rem)] -translate-x-1/2 sm:bottom-4 animate-rise items-center gap-2 rounded-full border border-bad-line bg-bad-soft px-3.5 text-xs font-medium text-ink shadow-2"
    >
      <Icon name="warning" size={14} className="text-bad" />
      <span className="truncate">The control plane does not respond. This page may be out of date.</span>
    </div>
  )
}

const liveTexts: Record<LiveState, { label: string; title: string }> = {
  connecting: { label: 'Connecting', title: 'Connecting to the control plane' },
  live: { label: 'Live', title: 'Changes appear as they happen' },
  lost: { label: 'Reconnecting', title: 'The control plane does not respond; this page may be out of date' },
}
