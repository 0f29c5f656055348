import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { errorText, sentence } from '../../api/client.ts'
import { useChangePipeline } from '../../api/changes.ts'
import type { DescribePipelineStatusResponse, PipelineOverview } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { PageLoading } from '../../app/SystemPages.tsx'
import { IconButton } from '../../ui/Button.tsx'
import { Card } from '../../ui/Card.tsx'
import { classNames } from '../../ui/class-names.ts'
import { Crumbs } from '../../ui/Crumbs.tsx'
import { formatRate } from '../../ui/format.ts'
import { Menu } from '../../ui/Menu.tsx'
import { Page, PageHeader } from '../../ui/Page.tsx'
import { ErrorState } from '../../ui/States.tsx'
import { Tabs, tabClass } from '../../ui/Tabs.tsx'
import { useToast } from '../../ui/Toasts.tsx'
import { Toggle } from '../../ui/Toggle.tsx'
import { errorCount } from './counters.ts'
import { ActivityView } from './ActivityView.tsx'
import { HealthPill } from './Health.tsx'
import { PipelineDeleteDialog, PipelineDuplicateDialog, PipelineRenameDialog } from './PipelineDialogs.tsx'

const route = getRouteApi('/pipelines/$pipelineId')
const ConfigurationView = lazy(() => import('./ConfigurationView.tsx'))

/** One pipeline: its versions with their editor, and the activity of its instances. */
export default function PipelinePage() {
  const { pipelineId } = route.useParams()
  // The key keeps state, such as a draft, from leaking into the page of another pipeline.
  return <Pipeline key={pipelineId} pipelineId={pipelineId} />
}

function Pipeline({ pipelineId }: { pipelineId: string }) {
  const { tab = 'configuration' } = route.useSearch()
  const { queries } = useCluster()
  const pipeline = useQuery(queries.pipeline(pipelineId))
  const status = useQuery(queries.pipelineStatus(pipelineId))
  const [dialog, setDialog] = useState<'rename' | 'duplicate' | 'delete'>()
  const closeDialog = () => setDialog(undefined)
  // The editor stays mounted while another tab is open, so that a draft and its undo history survive the visit.
  const [editorWasOpen, setEditorWasOpen] = useState(tab === 'configuration')
  if (tab === 'configuration' && !editorWasOpen) setEditorWasOpen(true)

  if (pipeline.data === undefined) {
    if (!pipeline.isError) return <PageLoading />
    return (
      <Page name="Pipeline" title={<Crumbs parent={<Link to="/pipelines">Pipelines</Link>}>{pipelineId}</Crumbs>}>
        <Card>
          <ErrorState what="pipeline" error={pipeline.error} onRetry={() => void pipeline.refetch()} />
        </Card>
      </Page>
    )
  }
  const overview = pipeline.data.pipeline_overview
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="border-b border-line px-4 pt-3 sm:px-6 sm:pt-5">
        <PageHeader
          name={overview.name}
          title={
            <>
              <Crumbs parent={<Link to="/pipelines">Pipelines</Link>}>{overview.name}</Crumbs>
              {status.data !== undefined && <HealthPill health={status.data.health} title={status.data.explanation} />}
            </>
          }
          actions={
            <>
              <RunToggle overview={overview} />
              <Menu
                trigger={<IconButton icon="more" label="More" className="size-8 border border-line bg-surface" />}
                items={[
                  { label: 'Rename…', icon: 'edit', onSelect: () => setDialog('rename') },
                  {
                    label: 'Duplicate…',
                    icon: 'copy',
                    disabled: pipeline.data.pipeline_configurations.length === 0,
                    onSelect: () => setDialog('duplicate'),
                  },
                  { label: 'Delete pipeline…', icon: 'trash', danger: true, onSelect: () => setDialog('delete') },
                ]}
              />
            </>
          }
        />
        <div className="mt-1.5 flex flex-wrap items-end justify-between gap-x-6">
          <Tabs label="Views of the pipeline" className="border-b-0">
            {(['configuration', 'activity'] as const).map(one => (
              <Link
                key={one}
                to="/pipelines/$pipelineId"
                params={{ pipelineId }}
                search={before => ({ ...before, tab: one === 'configuration' ? undefined : one })}
                aria-current={tab === one ? 'page' : undefined}
                className={tabClass(tab === one)}
              >
                {one === 'configuration' ? 'Configuration' : 'Activity'}
              </Link>
            ))}
          </Tabs>
          <Summary status={status.data} explains={tab !== 'activity'} />
        </div>
      </div>
      {editorWasOpen && (
        <div className={classNames('min-h-0 flex-1', tab !== 'configuration' && 'hidden')}>
          <Suspense fallback={<PageLoading />}>
            <ConfigurationView pipeline={pipeline.data} status={status.data} />
          </Suspense>
        </div>
      )}
      {tab === 'activity' && <ActivityView pipelineId={pipelineId} status={status} />}
      {dialog === 'rename' && <PipelineRenameDialog overview={overview} onClose={closeDialog} />}
      {dialog === 'duplicate' && <PipelineDuplicateDialog pipeline={pipeline.data} onClose={closeDialog} />}
      {dialog === 'delete' && <PipelineDeleteDialog overview={overview} onClose={closeDialog} />}
    </div>
  )
}

/** The desired state, switched immediately; the pill next to the name shows the actual one. */
function RunToggle({ overview }: { overview: PipelineOverview }) {
  const { clusterId } = useCluster()
  const change = useChangePipeline(clusterId, overview.id)
  const toast = useToast()
  const isRunning = overview.state === 'running'
  // Until the response arrives, the switch shows the requested state.
  const shown =
    change.isPending && change.variables.state !== undefined ? change.variables.state === 'running' : isRunning
  const undeployed = overview.deployed_configuration_id === ''
  const set = (running: boolean) =>
    change.mutate(
      { state: running ? 'running' : 'paused' },
      {
        onError: error =>
          toast({ tone: 'bad', title: `Cannot ${running ? 'run' : 'pause'} the pipeline`, text: errorText(error) }),
      },
    )
  return (
    <div
      className="flex h-8 items-center gap-2.5 rounded-md border border-line bg-surface px-3"
      title={undeployed ? 'Save a first version to run it' : undefined}
    >
      <span
        className={classNames('text-sm font-medium max-sm:hidden', shown ? 'text-ink' : 'text-muted')}
        aria-hidden="true"
      >
        {shown ? 'On' : 'Off'}
      </span>
      <Toggle label="Run the pipeline" checked={shown} disabled={undeployed || change.isPending} onChange={set} />
    </div>
  )
}

function Summary({ status, explains }: { status: DescribePipelineStatusResponse | undefined; explains: boolean }) {
  if (status === undefined || status.deployed_version === null) return null
  const errors = errorCount(status.counters)
  return (
    <p className="figures flex h-10 min-w-0 max-sm:hidden items-center gap-x-4 overflow-hidden text-xs whitespace-nowrap text-muted">
      {explains && status.explanation !== null && (
        <span className="truncate text-ink" title={status.explanation}>
          {sentence(status.explanation)}
        </span>
      )}
      <span>Version {status.deployed_version} deployed</span>
      <span>
        {status.instances_running}/{status.instances_wanted} instances
      </span>
      {status.pipeline_state === 'running' && (
        <>
          <span>{formatRate(status.rates.input_per_second)}/s in</span>
          <span>{formatRate(status.rates.output_per_second)}/s out</span>
        </>
      )}
      {errors > 0 && <span className="text-bad">{errors} errors</span>}
    </p>
  )
}
