import { getRouteApi, Link } from '@tanstack/react-router'
import type { DescribePipelineResponse, DescribePipelineStatusResponse, PipelineHealth } from '../../api/types.ts'
import { classNames } from '../../ui/class-names.ts'
import { Dot, Pill } from '../../ui/Pill.tsx'
import { Ago } from '../../ui/Time.tsx'
import { healthLooks } from './Health.tsx'

const route = getRouteApi('/pipelines/$pipelineId')

interface VersionListProps {
  readonly pipeline: DescribePipelineResponse
  readonly status: DescribePipelineStatusResponse | undefined
  readonly selected: number | undefined
  readonly isDraft: boolean
}

/** All versions, newest first, with the deployed and running ones marked, below the draft if there is one. */
export function VersionList({ pipeline, status, selected, isDraft }: VersionListProps) {
  const { pipelineId } = route.useParams()
  const deployedId = pipeline.pipeline_overview.deployed_configuration_id
  const running = new Set(
    (status?.instances ?? [])
      .filter(one => one.state === 'running' || one.state === 'stopping')
      .map(one => one.configuration_id),
  )
  const createdAt = new Map((status?.versions ?? []).map(version => [version.configuration_id, version.created_at]))
  const versions = pipeline.pipeline_configurations.toReversed()

  const hasDraft = isDraft || versions.length === 0

  return (
    <nav aria-label="Versions" className="flex min-h-0 flex-col">
      <h2 className="flex h-11 shrink-0 items-center px-4 text-xs font-medium text-faint max-md:sr-only">Versions</h2>
      <ol className="flex min-h-0 flex-1 gap-1 overflow-auto p-2 md:flex-col md:gap-0.5 md:pt-0 md:pb-3">
        {hasDraft && (
          <li
            aria-current="true"
            className="shrink-0 rounded-md border border-dashed border-warn-line bg-warn-soft px-2.5 py-1.5 text-sm"
          >
            <span className="font-medium">Draft</span>
            <span className="block text-xs whitespace-nowrap text-muted">
              {versions.length === 0 ? 'Nothing saved yet' : `Changes to Version ${selected}`}
            </span>
          </li>
        )}
        {versions.map(version => (
          <li key={version.id} className="shrink-0">
            <Link
              to="/pipelines/$pipelineId"
              params={{ pipelineId }}
              search={{ version: version.version }}
              className={classNames(
                'block rounded-md px-2.5 py-1.5 transition-colors hover:bg-hover',
                !hasDraft && version.version === selected && 'bg-surface shadow-1',
              )}
            >
              <span className="flex items-center justify-between gap-2 text-sm font-medium whitespace-nowrap">
                Version {version.version}
                {version.id === deployedId && <Pill tone="accent">Deployed</Pill>}
              </span>
              <span className="flex h-5 items-center justify-between gap-2 text-xs whitespace-nowrap text-muted">
                <VersionAge at={createdAt.get(version.id)} />
                {running.has(version.id) && <RunningMark health={status?.health} />}
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </nav>
  )
}

/** Marks a running version; red if its pipeline delivers no messages. */
function RunningMark({ health }: { health: PipelineHealth | undefined }) {
  const { label, tone } = healthLooks[health === 'failing' ? 'failing' : 'running']
  return (
    <span className={classNames('inline-flex items-center gap-1.5', tone === 'ok' ? 'text-ok' : 'text-bad')}>
      <Dot tone={tone} />
      {label}
    </span>
  )
}

function VersionAge({ at }: { at: string | undefined }) {
  return at === undefined ? <span>&nbsp;</span> : <Ago at={at} />
}
