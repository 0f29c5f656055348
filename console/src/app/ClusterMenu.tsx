import { useQuery } from '@tanstack/react-query'
import { Link, useMatches, useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { clustersQuery } from '../api/queries.ts'
import { buttonClass } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import { Menu } from '../ui/Menu.tsx'
import { EmptyPage } from './SystemPages.tsx'
import { useCluster } from './cluster.ts'

/** The current virtual cluster, with a menu to switch to another. */
export function ClusterMenu() {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const clusters = useQuery(clustersQuery)
  const name = clusters.data?.find(one => one.id === clusterId)?.name ?? clusterId
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          title={name}
          aria-label={`Cluster ${name}`}
          className="flex h-8 min-w-0 items-center justify-center gap-2 rounded-md px-2 text-sm font-medium transition-colors hover:bg-hover max-sm:max-w-44 sm:mt-2 lg:justify-start"
        >
          <Icon name="clusters" className="text-muted max-sm:hidden" />
          <span className="min-w-0 flex-1 truncate text-left sm:max-lg:sr-only">{name}</span>
          <Icon name="chevronsUpDown" size={14} className="text-faint sm:max-lg:hidden" />
        </button>
      }
      items={[
        ...(clusters.data ?? []).map(cluster => ({
          label: cluster.name,
          icon: cluster.id === clusterId ? ('check' as const) : ('clusters' as const),
          onSelect: () => void navigate({ to: '/', search: { cluster: cluster.id } }),
        })),
        { label: 'All clusters', icon: 'arrowRight', onSelect: () => void navigate({ to: '/clusters' }) },
      ]}
    />
  )
}

/** Shows a page of the cluster in the URL, or says that there is none. */
export function ClusterBoundary({ children }: { children: ReactNode }) {
  const { clusterId } = useCluster()
  const clusters = useQuery(clustersQuery)
  const isOfWorkspace = useMatches({ select: all => all.some(one => one.staticData.section?.rank === 'workspace') })
  if (isOfWorkspace || clusters.data === undefined || clusters.data.some(one => one.id === clusterId)) return children
  const [other] = clusters.data
  return (
    <EmptyPage
      icon="clusters"
      title="This cluster does not exist"
      action={
        other !== undefined && (
          <Link to="/" search={{ cluster: other.id }} className={buttonClass()}>
            Go to {other.name}
          </Link>
        )
      }
    >
      It may have been deleted, or the key that you signed in with has no grant for it.
    </EmptyPage>
  )
}
