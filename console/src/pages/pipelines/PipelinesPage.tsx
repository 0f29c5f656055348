import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { PipelineStatus } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import { CreateButton } from '../../ui/Button.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { formatRate, formatShort } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { errorCount } from './counters.ts'
import { HealthPill, healthLooks, healthOrder } from './Health.tsx'
import { PipelineCreateDialog } from './PipelineDialogs.tsx'

const route = getRouteApi('/pipelines')

/** All pipelines of the cluster with their health. */
export default function PipelinesPage() {
  const { queries } = useCluster()
  const pipelines = useQuery(queries.pipelines)
  const search = route.useSearch()
  const navigate = route.useNavigate()

  return (
    <Page
      name="Pipelines"
      description="Streams that read, transform and write, run by the agents."
      actions={
        <CreateButton onClick={() => void navigate({ search: { ...search, create: true } })}>
          Create pipeline
        </CreateButton>
      }
    >
      <ResourceList
        query={pipelines}
        what="pipelines"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={pipeline => pipeline.pipeline_id}
        textOf={nameOf}
        states={states}
        columns={columns}
        empty={
          <EmptyState icon="pipelines" title="No pipelines yet">
            A pipeline is a few lines of YAML: where to read, what to change, where to write.
          </EmptyState>
        }
      />
      {search.create === true && (
        <PipelineCreateDialog
          onClose={() => void navigate({ search: { ...search, create: undefined }, replace: true })}
        />
      )}
    </Page>
  )
}

const nameOf = (pipeline: PipelineStatus) => pipeline.pipeline_name

/** The states by which pipelines can be filtered, those that need attention first. */
const states: readonly ListState<PipelineStatus>[] = [
  ...healthOrder.map(health => ({
    state: health,
    label: healthLooks[health].label,
    holds: (pipeline: PipelineStatus) => pipeline.health === health,
  })),
  { state: 'errors', label: 'With errors', holds: pipeline => errorCount(pipeline.counters) > 0 },
]

const columns: readonly Column<PipelineStatus>[] = [
  {
    id: 'name',
    heading: 'Name',
    grows: true,
    sortBy: nameOf,
    cell: pipeline => (
      <Link
        to="/pipelines/$pipelineId"
        params={{ pipelineId: pipeline.pipeline_id }}
        title={pipeline.pipeline_name}
        className={rowLinkClass}
      >
        {pipeline.pipeline_name}
      </Link>
    ),
  },
  {
    id: 'state',
    heading: 'State',
    sortBy: pipeline => healthOrder.indexOf(pipeline.health),
    cell: pipeline => <HealthPill health={pipeline.health} title={pipeline.explanation} />,
  },
  {
    id: 'version',
    heading: 'Version',
    from: 'md',
    sortBy: pipeline => pipeline.deployed_version,
    cell: pipeline => <DeployedVersion pipeline={pipeline} />,
  },
  {
    id: 'instances',
    heading: 'Instances',
    figures: true,
    from: 'lg',
    sortBy: pipeline => pipeline.instances_running,
    cell: pipeline => (
      <span className="text-muted">
        {pipeline.instances_running} / {pipeline.instances_wanted}
      </span>
    ),
  },
  {
    id: 'in',
    heading: 'In',
    figures: true,
    from: 'sm',
    sortBy: pipeline => pipeline.rates.input_per_second,
    cell: pipeline => <Rate pipeline={pipeline} value={pipeline.rates.input_per_second} />,
  },
  {
    id: 'out',
    heading: 'Out',
    figures: true,
    from: 'sm',
    sortBy: pipeline => pipeline.rates.output_per_second,
    cell: pipeline => <Rate pipeline={pipeline} value={pipeline.rates.output_per_second} />,
  },
  {
    id: 'errors',
    heading: 'Errors',
    figures: true,
    sortBy: pipeline => errorCount(pipeline.counters),
    cell: pipeline => {
      const errors = errorCount(pipeline.counters)
      return <span className={errors > 0 ? 'text-bad' : 'text-muted'}>{formatShort(errors)}</span>
    },
  },
]

function Rate({ pipeline, value }: { pipeline: PipelineStatus; value: number }) {
  if (pipeline.pipeline_state === 'paused') return <span className="text-faint">–</span>
  return (
    <>
      {formatRate(value)}
      <span className="text-faint">/s</span>
    </>
  )
}

function DeployedVersion({ pipeline }: { pipeline: PipelineStatus }) {
  if (pipeline.deployed_version === null) return <span className="text-faint">Nothing saved</span>
  const newer = pipeline.latest_version !== null && pipeline.latest_version > pipeline.deployed_version
  return (
    <>
      Version {pipeline.deployed_version}
      {newer && <span className="ml-2 text-xs text-faint">latest {pipeline.latest_version}</span>}
    </>
  )
}
