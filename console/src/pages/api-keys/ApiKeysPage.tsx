import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useDeleteApiKey } from '../../api/changes.ts'
import { apiKeysQuery, clustersQuery } from '../../api/queries.ts'
import type { ApiKey } from '../../api/types.ts'
import { DeleteDialog } from '../../app/DeleteDialog.tsx'
import { createdColumn } from '../../app/created-column.tsx'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import { CreateButton, IconButton } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/Copy.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { Page } from '../../ui/Page.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { ApiKeyCreateDialog } from './ApiKeyCreateDialog.tsx'
import { kindOf, kinds } from './key-kinds.ts'

const route = getRouteApi('/api-keys')

/** The keys of users, programs and agents. */
export default function ApiKeysPage() {
  const apiKeys = useQuery(apiKeysQuery)
  const clusters = useQuery(clustersQuery)
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [deleted, setDeleted] = useState<ApiKey>()
  const columns = useMemo(
    () => columnsOf(new Map((clusters.data ?? []).map(one => [one.id, one.name])), setDeleted),
    [clusters.data],
  )
  return (
    <Page
      name="API keys"
      description="Keys of users and programs that call the API, and of agents that join a cluster."
      actions={
        <CreateButton onClick={() => void navigate({ search: { ...search, create: true } })}>Create key</CreateButton>
      }
    >
      <ResourceList
        query={apiKeys}
        what="API keys"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={one => one.id}
        textOf={one => one.name}
        states={states}
        columns={columns}
        rowsAreLinks={false}
        empty={<EmptyState icon="key" title="No keys" />}
      />
      {search.create === true && (
        <ApiKeyCreateDialog
          onClose={() => void navigate({ search: { ...search, create: undefined }, replace: true })}
        />
      )}
      {deleted !== undefined && <ApiKeyDelete apiKey={deleted} onClose={() => setDeleted(undefined)} />}
    </Page>
  )
}

function ApiKeyDelete({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  return (
    <DeleteDialog
      what="key"
      name={apiKey.name}
      consequence="Programs and agents that use it are refused, and browsers that signed in with it are signed out."
      deletion={useDeleteApiKey(apiKey.id)}
      onClose={onClose}
    />
  )
}

const states: readonly ListState<ApiKey>[] = kinds.map(({ kind, label }) => ({
  state: kind,
  label,
  holds: apiKey => kindOf(apiKey).kind === kind,
}))

const columnsOf = (
  clusterNames: ReadonlyMap<string, string>,
  onDelete: (apiKey: ApiKey) => void,
): readonly Column<ApiKey>[] => {
  const scopeOf = (apiKey: ApiKey) =>
    apiKey.access_grants
      .map(grant =>
        grant.resource_id === '*' ? 'All clusters' : (clusterNames.get(grant.resource_id) ?? grant.resource_id),
      )
      .join(', ')
  return [
    {
      id: 'name',
      heading: 'Name',
      grows: true,
      sortBy: one => one.name,
      cell: one => (
        <span className="font-medium" title={one.name}>
          {one.name}
        </span>
      ),
    },
    { id: 'kind', heading: 'Kind', from: 'sm', sortBy: one => kindOf(one).label, cell: one => kindOf(one).label },
    {
      id: 'scope',
      heading: 'Cluster',
      from: 'md',
      sortBy: scopeOf,
      cell: one => (
        <span className="block max-w-56 truncate text-muted" title={scopeOf(one)}>
          {scopeOf(one) || 'none'}
        </span>
      ),
    },
    createdColumn(),
    {
      id: 'actions',
      heading: 'Copy or delete',
      hideHeading: true,
      cell: one => (
        <span className="flex items-center justify-end gap-1">
          <CopyButton text={one.key} label={`Copy the key ${one.name}`} />
          <IconButton icon="trash" label={`Delete ${one.name}`} onClick={() => onDelete(one)} />
        </span>
      ),
    },
  ]
}
