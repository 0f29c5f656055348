import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Dialog as Radix } from 'radix-ui'
import { type KeyboardEvent, useId, useMemo, useRef, useState } from 'react'
import { clustersQuery } from '../api/queries.ts'
import { classNames } from '../ui/class-names.ts'
import { Icon, type IconName } from '../ui/Icon.tsx'
import { Kbd } from '../ui/Kbd.tsx'
import { useFocusReturn } from '../ui/use-focus-return.ts'
import { useCluster } from './cluster.ts'
import { useSections } from './sections.ts'
import { useTheme } from './theme.tsx'

interface Command {
  readonly id: string
  readonly group: string
  readonly label: string
  readonly note?: string | undefined
  readonly icon: IconName
  readonly run: () => void
}

/** The number of hits listed; a longer list would be useless. */
const maximumHits = 40

/** Finds everything in the console by name: pages, pipelines, topics, groups, clusters, commands. */
export function CommandPalette({ onClose, onShortcuts }: { onClose: () => void; onShortcuts: () => void }) {
  const returnFocus = useFocusReturn()
  return (
    <Radix.Root open onOpenChange={next => next || onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 animate-appear bg-scrim backdrop-blur-[2px]" />
        <Radix.Content
          aria-describedby={undefined}
          onCloseAutoFocus={returnFocus}
          className="fixed inset-x-0 top-[12vh] z-50 mx-auto w-[calc(100%-2rem)] max-w-xl animate-rise overflow-hidden rounded-xl border border-line bg-raised shadow-3 focus:outline-none"
        >
          <Radix.Title className="sr-only">Search and commands</Radix.Title>
          <PaletteBody onClose={onClose} onShortcuts={onShortcuts} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

function PaletteBody({ onClose, onShortcuts }: { onClose: () => void; onShortcuts: () => void }) {
  const listId = useId()
  const list = useRef<HTMLDivElement>(null)
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const commands = useCommands(onShortcuts)
  const hits = useMemo(() => findCommands(commands, text), [commands, text])
  const chosen = Math.min(active, hits.length - 1)

  const move = (to: number) => {
    const next = (to + hits.length) % Math.max(1, hits.length)
    setActive(next)
    list.current?.querySelector(`[data-at="${next}"]`)?.scrollIntoView({ block: 'nearest' })
  }
  const run = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    command.run()
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') move(chosen + 1)
    else if (event.key === 'ArrowUp') move(chosen - 1)
    else if (event.key === 'Enter') run(hits[chosen])
    else return
    event.preventDefault()
  }

  return (
    <>
      <div className="flex items-center gap-3 border-b border-line px-4">
        <Icon name="search" className="text-faint" />
        <input
          autoFocus
          role="combobox"
          aria-label="Search and commands"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={hits.length > 0 ? `${listId}-${chosen}` : undefined}
          value={text}
          onChange={event => {
            setText(event.target.value)
            setActive(0)
          }}
          onKeyDown={onKey}
          placeholder="Go to a page, pipeline, topic, group or cluster…"
          autoComplete="off"
          spellCheck={false}
          className="h-12 min-w-0 flex-1 bg-transparent text-base outline-none"
        />
        <Kbd keys={['Esc']} />
      </div>
      <div ref={list} id={listId} role="listbox" aria-label="Results" className="max-h-[52vh] overflow-y-auto p-1.5">
        {hits.length === 0 && <p className="px-3 py-8 text-center text-sm text-muted">Nothing matches “{text}”.</p>}
        {hits.map((command, at) => (
          <div key={command.id}>
            {command.group !== hits[at - 1]?.group && (
              <p aria-hidden="true" className="px-2.5 pt-2.5 pb-1 text-xs font-medium text-faint">
                {command.group}
              </p>
            )}
            {/* biome-ignore lint: the keyboard acts on the input above, following the combobox pattern. */}
            <div
              id={`${listId}-${at}`}
              role="option"
              tabIndex={-1}
              data-at={at}
              aria-selected={at === chosen}
              onMouseMove={() => setActive(at)}
              onClick={() => run(command)}
              className={classNames(
                'flex h-9 cursor-pointer items-center gap-3 rounded-md px-2.5 text-sm',
                at === chosen ? 'bg-pressed text-ink' : 'text-muted',
              )}
            >
              <Icon name={command.icon} size={15} className="text-faint" />
              <span className="min-w-0 truncate">{command.label}</span>
              {command.note !== undefined && (
                <span className="ml-auto truncate text-xs text-faint">{command.note}</span>
              )}
              {at === chosen && (
                <Icon
                  name="enter"
                  size={13}
                  className={command.note === undefined ? 'ml-auto text-faint' : 'text-faint'}
                />
              )}
            </div>
          </div>
        ))}
      </div>
    </>
  )
}

function useCommands(onShortcuts: () => void): readonly Command[] {
  const navigate = useNavigate()
  const theme = useTheme()
  const sections = useSections()
  const { clusterId, queries } = useCluster()
  const clusters = useQuery(clustersQuery)
  const pipelines = useQuery(queries.pipelines)
  const topics = useQuery(queries.topics)
  const groups = useQuery(queries.groups)

  return useMemo<readonly Command[]>(
    () => [
      ...sections.map(section => ({
        id: `section:${section.to}`,
        group: 'Go to',
        label: section.label,
        icon: section.icon,
        run: () => void navigate({ to: section.to }),
      })),
      ...(pipelines.data ?? []).map(pipeline => ({
        id: `pipeline:${pipeline.pipeline_id}`,
        group: 'Pipelines',
        label: pipeline.pipeline_name,
        note: pipeline.health,
        icon: 'pipelines' as const,
        run: () => void navigate({ to: '/pipelines/$pipelineId', params: { pipelineId: pipeline.pipeline_id } }),
      })),
      ...(topics.data ?? []).map(topic => ({
        id: `topic:${topic.topic_name}`,
        group: 'Topics',
        label: topic.topic_name,
        icon: 'topics' as const,
        run: () => void navigate({ to: '/topics/$topicName', params: { topicName: topic.topic_name } }),
      })),
      ...(groups.data ?? []).map(group => ({
        id: `group:${group.consumer_group_id}`,
        group: 'Consumer groups',
        label: group.consumer_group_id,
        note: group.state,
        icon: 'consumers' as const,
        run: () => void navigate({ to: '/consumers/$groupId', params: { groupId: group.consumer_group_id } }),
      })),
      ...(clusters.data ?? []).map(cluster => ({
        id: `cluster:${cluster.id}`,
        group: 'Clusters',
        label: cluster.name,
        note: cluster.id === clusterId ? 'shown now' : undefined,
        icon: 'clusters' as const,
        run: () => void navigate({ to: '/', search: { cluster: cluster.id } }),
      })),
      {
        id: 'create:pipeline',
        group: 'Commands',
        label: 'Create pipeline',
        icon: 'plus',
        run: () => void navigate({ to: '/pipelines', search: { create: true } }),
      },
      {
        id: 'create:topic',
        group: 'Commands',
        label: 'Create topic',
        icon: 'plus',
        run: () => void navigate({ to: '/topics', search: { create: true } }),
      },
      {
        id: 'theme',
        group: 'Commands',
        label: theme.shown === 'dark' ? 'Switch to the light theme' : 'Switch to the dark theme',
        icon: theme.shown === 'dark' ? 'sun' : 'moon',
        run: () => theme.choose(theme.shown === 'dark' ? 'light' : 'dark'),
      },
      { id: 'shortcuts', group: 'Commands', label: 'Keyboard shortcuts', icon: 'keyboard', run: onShortcuts },
    ],
    [navigate, sections, clusterId, clusters.data, pipelines.data, topics.data, groups.data, theme, onShortcuts],
  )
}

/** Every word must occur in the label or the group; names that start with the text come first within a group. */
function findCommands(commands: readonly Command[], text: string): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const hits = commands.filter(command => {
    const name = `${command.group} ${command.label}`.toLowerCase()
    return words.every(word => name.includes(word))
  })
  const groups = [...new Set(hits.map(hit => hit.group))]
  const rank = (command: Command) =>
    words[0] !== undefined && command.label.toLowerCase().startsWith(words[0]) ? 0 : 1
  return groups
    .flatMap(group => hits.filter(hit => hit.group === group).toSorted((left, right) => rank(left) - rank(right)))
    .slice(0, maximumHits)
}
