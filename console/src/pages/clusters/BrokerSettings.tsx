import { useMemo, useState } from 'react'
import { useUpdateSettings } from '../../api/changes.ts'
import type { VirtualClusterConfiguration } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { IconButton } from '../../ui/Button.tsx'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { useToast } from '../../ui/Toasts.tsx'

interface BrokerSetting {
  /** In Kafka's spelling. */
  readonly name: string
  readonly text: string
  readonly value: string
}

/** Defaults for topics that do not override them, under Kafka's names. */
export function BrokerSettings({ settings }: { settings: VirtualClusterConfiguration }) {
  const [edited, setEdited] = useState<BrokerSetting>()
  const [sort, setSort] = useState<string>()
  const columns = useMemo(() => columnsOf(setEdited), [])
  return (
    <Card className="overflow-hidden">
      <CardHeader title="Defaults" note="For topics without their own setting" />
      <DataTable
        label="Defaults"
        items={settingsOf(settings)}
        columns={columns}
        keyOf={one => one.name}
        sort={sort}
        onSort={setSort}
      />
      {edited !== undefined && (
        <SettingDialog settings={settings} edited={edited} onClose={() => setEdited(undefined)} />
      )}
    </Card>
  )
}

function settingsOf(settings: VirtualClusterConfiguration): readonly BrokerSetting[] {
  const known = [
    {
      name: 'num.partitions',
      text: 'Partitions of a new topic',
      value: String(settings.default_num_partitions),
    },
    {
      name: 'log.retention.ms',
      text: 'How long records are kept, in milliseconds; -1 keeps them indefinitely',
      value: String(settings.default_retention_millis),
    },
    {
      name: 'auto.create.topics.enable',
      text: 'Whether a request for a missing topic creates it',
      value: String(settings.is_auto_create_topic_enabled),
    },
  ]
  const names = new Set(known.map(one => one.name))
  const others = Object.entries(settings.broker_configs ?? {}).filter(([name]) => !names.has(name))
  return [...known, ...others.map(([name, value]) => ({ name, text: '', value }))]
}

const columnsOf = (onEdit: (setting: BrokerSetting) => void): readonly Column<BrokerSetting>[] => [
  {
    id: 'name',
    heading: 'Setting',
    grows: true,
    sortBy: one => one.name,
    cell: one => (
      <span title={one.name}>
        <code className="text-xs font-medium">{one.name}</code>
        <span className="block truncate text-xs text-muted">{one.text}</span>
      </span>
    ),
  },
  { id: 'value', heading: 'Value', cell: one => <code className="text-xs">{one.value}</code> },
  {
    id: 'edit',
    heading: 'Change',
    hideHeading: true,
    cell: one => <IconButton icon="edit" label={`Change ${one.name}`} onClick={() => onEdit(one)} />,
  },
]

interface SettingDialogProps {
  readonly settings: VirtualClusterConfiguration
  readonly edited: BrokerSetting
  readonly onClose: () => void
}

function SettingDialog(props: SettingDialogProps) {
  const { name, text } = props.edited
  return (
    <Dialog title={name} description={text === '' ? undefined : text} onClose={props.onClose}>
      <SettingForm {...props} />
    </Dialog>
  )
}

function SettingForm({ settings, edited: { name, value: before }, onClose }: SettingDialogProps) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const update = useUpdateSettings(clusterId, settings)
  const [value, setValue] = useState(before)
  return (
    <DialogForm
      submit="Save"
      work={update}
      disabled={value === before}
      onCancel={onClose}
      onSubmit={() =>
        update.mutate(
          { broker_configs: { [name]: value.trim() } },
          {
            onSuccess: () => {
              toast({ tone: 'ok', title: `${name} set` })
              onClose()
            },
          },
        )
      }
    >
      <Field autoFocus label="Value" value={value} onChange={event => setValue(event.target.value)} />
    </DialogForm>
  )
}
