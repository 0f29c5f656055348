import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { clustersQuery } from '../../api/queries.ts'
import type { VirtualCluster } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { createdColumn } from '../../app/created-column.tsx'
import { ResourceList } from '../../app/ResourceList.tsx'
import { CreateButton } from '../../ui/Button.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { Page } from '../../ui/Page.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { ClusterCreateDialog } from './ClusterCreateDialog.tsx'

const route = getRouteApi('/clusters')

/** All virtual clusters that the signed-in user may see. */
export default function ClustersPage() {
  const clusters = useQuery(clustersQuery)
  const { clusterId } = useCluster()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const columns = useMemo(() => columnsOf(clusterId), [clusterId])

  return (
    <Page
      name="Clusters"
      description="Virtual clusters: each has its own topics, pipelines, users and agents."
      actions={
        <CreateButton onClick={() => void navigate({ search: { ...search, create: true } })}>
          Create cluster
        </CreateButton>
      }
    >
      <ResourceList
        query={clusters}
        what="clusters"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={cluster => cluster.id}
        textOf={textOf}
        states={noStates}
        columns={columns}
        empty={<EmptyState icon="clusters" title="No clusters" />}
      />
      {search.create === true && (
        <ClusterCreateDialog
          onClose={() => void navigate({ search: { ...search, create: undefined }, replace: true })}
        />
      )}
    </Page>
  )
}

const textOf = (cluster: VirtualCluster) => `${cluster.name} ${cluster.id}`
const noStates = [] as const

const columnsOf = (currentId: string): readonly Column<VirtualCluster>[] => [
  {
    id: 'name',
    heading: 'Name',
    grows: true,
    sortBy: cluster => cluster.name,
    cell: cluster => (
      <>
        <Link to="/" search={{ cluster: cluster.id }} title={cluster.name} className={rowLinkClass}>
          {cluster.name}
        </Link>
        {cluster.id === currentId && (
          <span className="ml-2">
            <Pill tone="accent">Shown now</Pill>
          </span>
        )}
      </>
    ),
  },
  {
    id: 'id',
    heading: 'Id',
    from: 'lg',
    cell: cluster => <code className="text-xs text-muted">{cluster.id}</code>,
  },
  {
    id: 'address',
    heading: 'Kafka address',
    from: 'sm',
    cell: cluster =>
      cluster.bootstrap_url === null ? (
        <span className="text-faint">No agent</span>
      ) : (
        <code className="text-xs">{cluster.bootstrap_url}</code>
      ),
  },
  createdColumn(),
]
