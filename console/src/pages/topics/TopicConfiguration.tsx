import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useUpdateTopic } from '../../api/changes.ts'
import type { TopicConfig } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button, IconButton } from '../../ui/Button.tsx'
import { Card } from '../../ui/Card.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { ListToolbar } from '../../ui/ListToolbar.tsx'
import { Pill, type Tone } from '../../ui/Pill.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { useToast } from '../../ui/Toasts.tsx'

/** Every setting of a topic: its value, the source of the value, and a form to change it. */
export function TopicConfiguration({ topicName }: { topicName: string }) {
  const { queries } = useCluster()
  const configs = useQuery(queries.topicConfigs(topicName))
  const [filter, setFilter] = useState('')
  const [source, setSource] = useState<string>()
  const [sort, setSort] = useState<string>()
  const [edited, setEdited] = useState<TopicConfig>()
  const allColumns = useMemo(() => [...columns, editColumn(setEdited)], [])

  if (configs.data === undefined) {
    return (
      <Card>
        {configs.isError ? (
          <ErrorState what="settings" error={configs.error} onRetry={() => void configs.refetch()} />
        ) : (
          <SkeletonRows label="settings" rows={8} />
        )}
      </Card>
    )
  }
  const found = configs.data.filter(config => config.name.includes(filter.trim().toLowerCase()))
  const shown = found.filter(config => source === undefined || config.source === source)
  const filters = (['topic', 'cluster', 'default'] as const)
    .map(value => ({
      value,
      label: sourceLooks[value].label,
      count: found.filter(config => config.source === value).length,
    }))
    .filter(one => one.count > 0)
  return (
    <>
      <ListToolbar
        label="Filter settings"
        text={filter}
        onText={setFilter}
        filters={filters}
        filter={source}
        onFilter={setSource}
      />
      <Card className="overflow-hidden">
        {shown.length === 0 ? (
          <EmptyState icon="search" title="No settings match" />
        ) : (
          <DataTable
            label="Settings"
            items={shown}
            columns={allColumns}
            keyOf={config => config.name}
            sort={sort}
            onSort={setSort}
          />
        )}
      </Card>
      {edited !== undefined && (
        <SettingDialog topicName={topicName} config={edited} onClose={() => setEdited(undefined)} />
      )}
    </>
  )
}

const sourceLooks: Record<TopicConfig['source'], { label: string; tone: Tone }> = {
  topic: { label: 'Set for this topic', tone: 'accent' },
  cluster: { label: 'From the cluster', tone: 'neutral' },
  default: { label: 'Default', tone: 'neutral' },
}

function valueOf({ value }: TopicConfig): string {
  if (value === null) return '••••'
  return value === '' ? '(empty)' : value
}

const columns: readonly Column<TopicConfig>[] = [
  {
    id: 'name',
    heading: 'Setting',
    grows: true,
    sortBy: config => config.name,
    cell: config => (
      <span title={`${config.name}\n${config.documentation ?? ''}`}>
        <code className="text-xs font-medium">{config.name}</code>
        <span className="block truncate text-xs text-muted max-sm:hidden">{config.documentation}</span>
        <code className="block truncate text-xs text-muted sm:hidden">{valueOf(config)}</code>
      </span>
    ),
  },
  {
    id: 'value',
    heading: 'Value',
    from: 'sm',
    cell: config => (
      <code className="block max-w-56 truncate text-xs" title={config.value ?? undefined}>
        {valueOf(config)}
      </code>
    ),
  },
  {
    id: 'source',
    heading: 'Source',
    from: 'md',
    sortBy: config => sourceLooks[config.source].label,
    cell: config => <Pill tone={sourceLooks[config.source].tone}>{sourceLooks[config.source].label}</Pill>,
  },
]

function editColumn(onEdit: (config: TopicConfig) => void): Column<TopicConfig> {
  return {
    id: 'edit',
    heading: 'Change',
    hideHeading: true,
    cell: config =>
      !config.is_read_only && <IconButton icon="edit" label={`Change ${config.name}`} onClick={() => onEdit(config)} />,
  }
}

function SettingDialog({
  topicName,
  config,
  onClose,
}: {
  topicName: string
  config: TopicConfig
  onClose: () => void
}) {
  return (
    <Dialog title={config.name} description={config.documentation ?? undefined} onClose={onClose}>
      <SettingForm topicName={topicName} config={config} onClose={onClose} />
    </Dialog>
  )
}

function SettingForm({ topicName, config, onClose }: { topicName: string; config: TopicConfig; onClose: () => void }) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const update = useUpdateTopic(clusterId, topicName)
  const [value, setValue] = useState(config.value ?? '')
  const change = (next: string | null) =>
    update.mutate(
      { configs: { [config.name]: next } },
      {
        onSuccess: () => {
          toast({ tone: 'ok', title: next === null ? `${config.name} has its default again` : `${config.name} set` })
          onClose()
        },
      },
    )
  return (
    <DialogForm
      submit="Save"
      work={update}
      disabled={value === config.value && config.source === 'topic'}
      onCancel={onClose}
      onSubmit={() => change(value)}
    >
      <Field autoFocus label="Value" value={value} onChange={event => setValue(event.target.value)} />
      {config.source === 'topic' && (
        <div>
          <Button size="small" icon="reset" disabled={update.isPending} onClick={() => change(null)}>
            Use the default
          </Button>
        </div>
      )}
    </DialogForm>
  )
}
