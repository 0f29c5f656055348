import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useDeleteCluster, useRenameCluster, useUpdateSettings } from '../../api/changes.ts'
import { errorText } from '../../api/client.ts'
import { clustersQuery } from '../../api/queries.ts'
import type { VirtualCluster, VirtualClusterConfiguration } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { DeleteDialog } from '../../app/DeleteDialog.tsx'
import { IconButton } from '../../ui/Button.tsx'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { CopyableFact, Fact, Facts } from '../../ui/Facts.tsx'
import { Field } from '../../ui/Field.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { Page } from '../../ui/Page.tsx'
import { Segmented } from '../../ui/Segmented.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Ago } from '../../ui/Time.tsx'
import { useToast } from '../../ui/Toasts.tsx'
import { Toggle } from '../../ui/Toggle.tsx'
import { BrokerSettings } from './BrokerSettings.tsx'
import { clusterNameProblem } from './cluster-name.ts'
import { Tags } from './Tags.tsx'

const route = getRouteApi('/settings')

/** The settings of the cluster as a whole. */
export default function SettingsPage() {
  const { clusterId, queries } = useCluster()
  const clusters = useQuery(clustersQuery)
  const settings = useQuery(queries.settings)
  const cluster = clusters.data?.find(one => one.id === clusterId)
  return (
    <Page
      name="Settings"
      description="Settings of the cluster as a whole."
      actions={cluster !== undefined && <Actions cluster={cluster} settings={settings.data} />}
    >
      {cluster !== undefined && <Identity cluster={cluster} />}
      {settings.data === undefined ? (
        <Card>
          {settings.isError ? (
            <ErrorState what="settings" error={settings.error} onRetry={() => void settings.refetch()} />
          ) : (
            <SkeletonRows label="settings" />
          )}
        </Card>
      ) : (
        <>
          <Protection settings={settings.data} />
          <BrokerSettings settings={settings.data} />
        </>
      )}
      <Tags />
      {cluster !== undefined && <AgentKeys cluster={cluster} />}
    </Page>
  )
}

function Actions({
  cluster,
  settings,
}: {
  cluster: VirtualCluster
  settings: VirtualClusterConfiguration | undefined
}) {
  const [dialog, setDialog] = useState<'rename' | 'delete'>()
  const close = () => setDialog(undefined)
  const isProtected = settings?.enable_deletion_protection !== false
  return (
    <>
      <Menu
        trigger={<IconButton icon="more" label="More" className="size-8 border border-line bg-surface" />}
        items={[
          { label: 'Rename…', icon: 'edit', onSelect: () => setDialog('rename') },
          {
            label: 'Delete cluster…',
            icon: 'trash',
            danger: true,
            disabled: isProtected,
            note: isProtected ? 'Turn off deletion protection first' : undefined,
            onSelect: () => setDialog('delete'),
          },
        ]}
      />
      {dialog === 'rename' && <RenameDialog cluster={cluster} onClose={close} />}
      {dialog === 'delete' && <ClusterDelete cluster={cluster} onClose={close} />}
    </>
  )
}

function ClusterDelete({ cluster, onClose }: { cluster: VirtualCluster; onClose: () => void }) {
  const client = useQueryClient()
  const navigate = route.useNavigate()
  return (
    <DeleteDialog
      what="cluster"
      name={cluster.name}
      consequence="Its topics, pipelines, users and settings are permanently deleted. Objects in its bucket stay."
      deletion={useDeleteCluster(cluster.id, cluster.name)}
      onDeleted={() =>
        void navigate({ to: '/clusters', search: { cluster: undefined } }).then(() =>
          client.invalidateQueries({ queryKey: clustersQuery.queryKey }),
        )
      }
      onClose={onClose}
    />
  )
}

function RenameDialog({ cluster, onClose }: { cluster: VirtualCluster; onClose: () => void }) {
  return (
    <Dialog title="Rename cluster" description="Its id stays as it is." onClose={onClose}>
      <RenameForm cluster={cluster} onClose={onClose} />
    </Dialog>
  )
}

function RenameForm({ cluster, onClose }: { cluster: VirtualCluster; onClose: () => void }) {
  const toast = useToast()
  const rename = useRenameCluster(cluster.id)
  const [name, setName] = useState(cluster.name)
  const problem = clusterNameProblem(name)
  return (
    <DialogForm
      submit="Rename"
      work={rename}
      disabled={problem !== undefined || name === cluster.name}
      onCancel={onClose}
      onSubmit={() =>
        rename.mutate(name, {
          onSuccess: () => {
            toast({ tone: 'ok', title: 'Cluster renamed' })
            onClose()
          },
        })
      }
    >
      <Field
        autoFocus
        label="Name"
        value={name}
        error={problem}
        onFocus={event => event.target.select()}
        onChange={event => setName(event.target.value)}
      />
    </DialogForm>
  )
}

function Identity({ cluster }: { cluster: VirtualCluster }) {
  return (
    <Card>
      <CardHeader title={cluster.name} />
      <Facts>
        <Fact label="Id">
          <CopyableFact text={cluster.id} label="Copy the id" />
        </Fact>
        <Fact label="Kafka address">
          <CopyableFact text={cluster.bootstrap_url} label="Copy the Kafka address" />
        </Fact>
        <Fact label="Tier">{cluster.tier}</Fact>
        <Fact label="Created">
          <Ago at={cluster.created_at} />
        </Fact>
      </Facts>
    </Card>
  )
}

type AclMode = 'off' | 'shadow' | 'on'

const aclModes: readonly { readonly value: AclMode; readonly label: string }[] = [
  { value: 'off', label: 'Off' },
  { value: 'shadow', label: 'Shadow' },
  { value: 'on', label: 'On' },
]

const aclTexts: Readonly<Record<AclMode, string>> = {
  off: 'Every client may do everything.',
  shadow: 'Every client may do everything; what the ACLs would deny is logged.',
  on: 'Clients may do what the ACLs allow. Superusers may do everything.',
}

function aclModeOf(settings: VirtualClusterConfiguration): AclMode {
  if (settings.are_acls_enabled) return 'on'
  return settings.acl_shadowing_enabled ? 'shadow' : 'off'
}

function Protection({ settings }: { settings: VirtualClusterConfiguration }) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const update = useUpdateSettings(clusterId, settings)
  const change = (next: Parameters<typeof update.mutate>[0]) =>
    update.mutate(next, {
      onError: error => toast({ tone: 'bad', title: 'Not changed', text: errorText(error) }),
    })
  const mode = aclModeOf(settings)
  return (
    <Card>
      <CardHeader title="Protection" />
      <ul className="divide-y divide-line">
        <Setting title="Access control lists" text={aclTexts[mode]}>
          <Segmented
            label="Access control lists"
            value={mode}
            options={aclModes}
            onChange={next => change({ are_acls_enabled: next === 'on', acl_shadowing_enabled: next === 'shadow' })}
          />
        </Setting>
        <Setting title="Deletion protection" text="While it is on, nobody can delete this cluster.">
          <Toggle
            label="Deletion protection"
            checked={settings.enable_deletion_protection}
            disabled={update.isPending}
            onChange={on => change({ enable_deletion_protection: on })}
          />
        </Setting>
      </ul>
    </Card>
  )
}

function Setting({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <li className="flex items-center gap-4 px-4 py-3">
      <div className="min-w-0 flex-1">
        <h3 className="text-sm font-medium">{title}</h3>
        <p className="text-xs text-muted">{text}</p>
      </div>
      {children}
    </li>
  )
}

function AgentKeys({ cluster }: { cluster: VirtualCluster }) {
  if (cluster.agent_keys === null) return null
  return (
    <Card>
      <CardHeader title="Agent keys" note="Agents join this cluster with one of them" />
      {cluster.agent_keys.length === 0 ? (
        <EmptyState icon="key" title="No agent keys">
          Create a key for agents of this cluster on the API keys page.
        </EmptyState>
      ) : (
        <Facts>
          {cluster.agent_keys.map(key => (
            <Fact key={key.id} label={key.name}>
              <CopyableFact text={key.key} label={`Copy the key ${key.name}`} />
            </Fact>
          ))}
        </Facts>
      )}
    </Card>
  )
}
