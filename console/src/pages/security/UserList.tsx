import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useDeleteCredentials } from '../../api/changes.ts'
import type { Credentials } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { createdColumn } from '../../app/created-column.tsx'
import { DeleteDialog } from '../../app/DeleteDialog.tsx'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import { IconButton } from '../../ui/Button.tsx'
import { CopyableFact } from '../../ui/Facts.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState } from '../../ui/States.tsx'

const route = getRouteApi('/security')

/** The users of the Kafka port. */
export function UserList() {
  const { queries } = useCluster()
  const credentials = useQuery(queries.credentials)
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [deleted, setDeleted] = useState<Credentials>()
  const columns = useMemo(() => columnsOf(setDeleted), [])
  return (
    <>
      <ResourceList
        query={credentials}
        what="users"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={user => user.id}
        textOf={textOf}
        states={states}
        columns={columns}
        rowsAreLinks={false}
        empty={
          <EmptyState icon="shield" title="No users yet">
            Clients sign in with the username and password of a user, by SASL PLAIN or SCRAM.
          </EmptyState>
        }
      />
      {deleted !== undefined && <UserDelete user={deleted} onClose={() => setDeleted(undefined)} />}
    </>
  )
}

function UserDelete({ user, onClose }: { user: Credentials; onClose: () => void }) {
  const { clusterId } = useCluster()
  return (
    <DeleteDialog
      what="user"
      name={user.name}
      consequence="Clients that sign in with its password are refused from then on."
      deletion={useDeleteCredentials(clusterId, user.id)}
      onClose={onClose}
    />
  )
}

const textOf = (user: Credentials) => `${user.name} ${user.username}`

const states: readonly ListState<Credentials>[] = [
  { state: 'superusers', label: 'Superusers', holds: user => user.is_cluster_superuser },
  { state: 'others', label: 'Others', holds: user => !user.is_cluster_superuser },
]

const columnsOf = (onDelete: (user: Credentials) => void): readonly Column<Credentials>[] => [
  {
    id: 'name',
    heading: 'Name',
    grows: true,
    sortBy: user => user.name,
    cell: user => (
      <>
        <span className="font-medium" title={user.name}>
          {user.name}
        </span>
        {user.is_cluster_superuser && (
          <span className="ml-2">
            <Pill tone="warn" title="ACLs do not apply to this user">
              Superuser
            </Pill>
          </span>
        )}
      </>
    ),
  },
  {
    id: 'username',
    heading: 'Username',
    from: 'sm',
    sortBy: user => user.username,
    cell: user => (
      <span className="block w-48">
        <CopyableFact text={user.username} label={`Copy the username of ${user.name}`} />
      </span>
    ),
  },
  createdColumn(),
  {
    id: 'delete',
    heading: 'Delete',
    hideHeading: true,
    cell: user => <IconButton icon="trash" label={`Delete ${user.name}`} onClick={() => onDelete(user)} />,
  },
]
