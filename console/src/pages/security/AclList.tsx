import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useDeleteAcl } from '../../api/changes.ts'
import type { Acl } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import { IconButton } from '../../ui/Button.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { useToast } from '../../ui/Toasts.tsx'
import { aclSentence, operationLabel, resourceLabel } from './acl-words.ts'

const route = getRouteApi('/security')

/** The access control lists of the cluster, as in Kafka. */
export function AclList() {
  const { queries } = useCluster()
  const acls = useQuery(queries.acls)
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [deleted, setDeleted] = useState<Acl>()
  const columns = useMemo(() => columnsOf(setDeleted), [])
  return (
    <>
      <ResourceList
        query={acls}
        what="ACLs"
        search={search}
        onSearch={next => void navigate({ search: { ...next, tab: 'acls' }, replace: true })}
        keyOf={keyOf}
        textOf={keyOf}
        states={states}
        columns={columns}
        rowsAreLinks={false}
        empty={
          <EmptyState icon="shield" title="No ACLs yet">
            Once ACLs are on, clients may do only what an ACL allows.
          </EmptyState>
        }
      />
      {deleted !== undefined && <AclDelete acl={deleted} onClose={() => setDeleted(undefined)} />}
    </>
  )
}

function AclDelete({ acl, onClose }: { acl: Acl; onClose: () => void }) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const deletion = useDeleteAcl(clusterId, acl)
  return (
    <ConfirmDialog
      title="Delete ACL"
      consequence={aclSentence(acl)}
      submit="Delete ACL"
      work={deletion}
      onClose={onClose}
      onConfirm={() =>
        deletion.mutate(undefined, {
          onSuccess: () => {
            toast({ tone: 'ok', title: 'ACL deleted' })
            onClose()
          },
        })
      }
    />
  )
}

/** ACLs have no id; their content identifies them. */
const keyOf = (acl: Acl) =>
  [
    acl.principal,
    acl.permission_type,
    acl.operation,
    acl.resource_type,
    acl.pattern_type,
    acl.resource_name,
    acl.host,
  ].join(' ')

const states: readonly ListState<Acl>[] = [
  { state: 'allow', label: 'Allow', holds: acl => acl.permission_type === 'ALLOW' },
  { state: 'deny', label: 'Deny', holds: acl => acl.permission_type === 'DENY' },
]

const columnsOf = (onDelete: (acl: Acl) => void): readonly Column<Acl>[] => [
  {
    id: 'principal',
    heading: 'Principal',
    grows: true,
    sortBy: acl => acl.principal,
    cell: acl => (
      <span title={acl.principal}>
        <span className="font-medium">{acl.principal}</span>
        <span className="block truncate text-xs text-muted sm:hidden">
          {acl.permission_type === 'ALLOW' ? 'may' : 'may not'} {operationLabel(acl.operation)}: {resourceLabel(acl)}
        </span>
      </span>
    ),
  },
  {
    id: 'permission',
    heading: 'Permission',
    from: 'sm',
    sortBy: acl => acl.permission_type,
    cell: acl => (
      <Pill tone={acl.permission_type === 'ALLOW' ? 'ok' : 'bad'}>
        {acl.permission_type === 'ALLOW' ? 'Allow' : 'Deny'}
      </Pill>
    ),
  },
  {
    id: 'operation',
    heading: 'Operation',
    from: 'sm',
    sortBy: acl => acl.operation,
    cell: acl => operationLabel(acl.operation),
  },
  {
    id: 'resource',
    heading: 'Resource',
    from: 'sm',
    sortBy: resourceLabel,
    cell: acl => (
      <span className="block max-w-56 truncate" title={resourceLabel(acl)}>
        {resourceLabel(acl)}
      </span>
    ),
  },
  {
    id: 'host',
    heading: 'Host',
    from: 'md',
    sortBy: acl => acl.host,
    cell: acl => <span className="text-muted">{acl.host}</span>,
  },
  {
    id: 'delete',
    heading: 'Delete',
    hideHeading: true,
    cell: acl => <IconButton icon="trash" label={`Delete: ${aclSentence(acl)}`} onClick={() => onDelete(acl)} />,
  },
]
