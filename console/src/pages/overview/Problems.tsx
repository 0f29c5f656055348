import { Link } from '@tanstack/react-router'
import { sentence } from '../../api/client.ts'
import type { Problem } from '../../api/types.ts'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { EmptyState, SkeletonRows } from '../../ui/States.tsx'
import { Ago } from '../../ui/Time.tsx'

export function Problems({ problems }: { problems: readonly Problem[] | undefined }) {
  return (
    <Card>
      <CardHeader title="Recent problems" />
      {problems === undefined ? (
        <SkeletonRows label="problems" rows={3} />
      ) : problems.length === 0 ? (
        <EmptyState icon="check" title="No problems">
          Failing pipelines and lost agents are listed here.
        </EmptyState>
      ) : (
        <ul className="max-h-112 divide-y divide-line overflow-y-auto">
          {problems.map(problem => (
            <li key={`${problem.at} ${problem.subject.id} ${problem.message}`} className="flex gap-3 px-4 py-2.5">
              <Icon
                name={problem.level === 'error' ? 'error' : 'warning'}
                className={problem.level === 'error' ? 'mt-0.5 text-bad' : 'mt-0.5 text-warn'}
              />
              <div className="min-w-0 flex-1">
                <div className="flex items-baseline justify-between gap-3">
                  <Subject problem={problem} />
                  <span className="text-xs text-faint">
                    <Ago at={problem.at} />
                  </span>
                </div>
                <p className="line-clamp-2 text-sm break-words text-muted" title={problem.message}>
                  {sentence(problem.message)}
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Subject({ problem }: { problem: Problem }) {
  const { kind, id, name } = problem.subject
  switch (kind) {
    case 'pipeline':
      return (
        <Link
          to="/pipelines/$pipelineId"
          params={{ pipelineId: id }}
          search={{ tab: 'activity' }}
          className="truncate font-medium hover:text-accent-text"
        >
          {name}
        </Link>
      )
    case 'agent':
      return (
        <Link to="/agents/$agentId" params={{ agentId: id }} className="truncate font-medium hover:text-accent-text">
          {name}
        </Link>
      )
    case 'cluster':
      return <span className="truncate font-medium">{name}</span>
  }
}
