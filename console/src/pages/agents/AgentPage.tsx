import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Agent, PipelineHealth } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { Crumbs } from '../../ui/Crumbs.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { CopyableFact, Fact, Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatPlural, formatShare } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { Ago, Since } from '../../ui/Time.tsx'
import { InstancePill } from '../pipelines/Health.tsx'
import { AgentState } from './AgentState.tsx'

const route = getRouteApi('/agents/$agentId')

/** One agent: its addresses, its resource usage, and the pipelines on it. */
export default function AgentPage() {
  const { agentId } = route.useParams()
  const { queries } = useCluster()
  const agents = useQuery(queries.agents)
  const agent = agents.data?.find(candidate => candidate.agent_id === agentId)
  return (
    <Page
      name={agent?.agent_name ?? 'Agent'}
      title={
        <>
          <Crumbs parent={<Link to="/agents">Agents</Link>}>{agent?.agent_name ?? agentId}</Crumbs>
          {agent !== undefined && <AgentState agent={agent} />}
        </>
      }
    >
      {agents.data === undefined ? (
        <Card>
          {agents.isError ? (
            <ErrorState what="agent" error={agents.error} onRetry={() => void agents.refetch()} />
          ) : (
            <SkeletonRows label="agent" />
          )}
        </Card>
      ) : agent === undefined ? (
        <Card>
          <EmptyState icon="agents" title="This agent is gone">
            It has left, or was removed after it had been lost for a while.
          </EmptyState>
        </Card>
      ) : (
        <>
          <AgentFacts agent={agent} />
          <Instances agent={agent} />
        </>
      )}
    </Page>
  )
}

function AgentFacts({ agent }: { agent: Agent }) {
  return (
    <Card>
      <Facts>
        <Fact label="Roles">
          <span className="flex flex-wrap gap-1">
            {agent.roles.map(role => (
              <Pill key={role} tone="neutral">
                {role}
              </Pill>
            ))}
          </span>
        </Fact>
        <Fact label="Version">{agent.version}</Fact>
        <Fact label="Uptime">{agent.is_alive ? <Since at={agent.started_at} /> : '–'}</Fact>
        <Fact label="Last seen">
          <Ago at={agent.last_seen_at} />
        </Fact>
        <Fact label="CPU">{formatShare(agent.cpu)} of a core</Fact>
        <Fact label="Memory">{formatBytes(agent.memory_bytes)}</Fact>
        <Fact label="Kafka connections">{formatCount(agent.connections)}</Fact>
        <Fact label="Pipeline group">{agent.pipeline_group || 'none'}</Fact>
        <Fact label="Kafka address">
          <CopyableFact text={agent.kafka_address} label="Copy the Kafka address" />
        </Fact>
        <Fact label="HTTP address">
          <CopyableFact text={agent.http_address} label="Copy the HTTP address" />
        </Fact>
        <Fact label="Availability zone">{agent.availability_zone || 'none'}</Fact>
        <Fact label="Id">
          <CopyableFact text={agent.agent_id} label="Copy the id" />
        </Fact>
      </Facts>
    </Card>
  )
}

type Instance = Agent['instances'][number]

function Instances({ agent }: { agent: Agent }) {
  const [sort, setSort] = useState('name')
  const { queries } = useCluster()
  const pipelines = useQuery(queries.pipelines)
  const columns = useMemo(
    () => columnsOf(new Map((pipelines.data ?? []).map(one => [one.pipeline_id, one.health]))),
    [pipelines.data],
  )
  return (
    <Card className="overflow-hidden">
      <CardHeader title="Pipelines" note={formatPlural(agent.instances.length, 'instance')} />
      {agent.instances.length === 0 ? (
        <EmptyState icon="pipelines" title="No pipelines run here" />
      ) : (
        <DataTable
          interactive
          label="Pipelines on this agent"
          items={agent.instances}
          columns={columns}
          keyOf={instance => instance.instance_id}
          sort={sort}
          onSort={setSort}
        />
      )}
    </Card>
  )
}

const columnsOf = (healths: ReadonlyMap<string, PipelineHealth>): readonly Column<Instance>[] => [
  {
    id: 'name',
    heading: 'Pipeline',
    grows: true,
    sortBy: instance => instance.pipeline_name,
    cell: instance => (
      <Link
        to="/pipelines/$pipelineId"
        params={{ pipelineId: instance.pipeline_id }}
        search={{ tab: 'activity' }}
        title={instance.pipeline_name}
        className={rowLinkClass}
      >
        {instance.pipeline_name}
      </Link>
    ),
  },
  {
    id: 'state',
    heading: 'State',
    sortBy: instance => instance.state,
    cell: instance => (
      <InstancePill state={instance.state} problem={instance.problem} health={healths.get(instance.pipeline_id)} />
    ),
  },
  {
    id: 'version',
    heading: 'Version',
    figures: true,
    from: 'md',
    sortBy: instance => instance.version,
    cell: instance => instance.version,
  },
  {
    id: 'sent',
    heading: 'Sent',
    figures: true,
    sortBy: instance => instance.counters.output_sent,
    cell: instance => formatCount(instance.counters.output_sent),
  },
  {
    id: 'restarts',
    heading: 'Restarts',
    figures: true,
    from: 'sm',
    sortBy: instance => instance.restarts,
    cell: instance => (
      <span className={instance.restarts > 0 ? 'text-warn' : ''}>{formatCount(instance.restarts)}</span>
    ),
  },
  {
    id: 'cpu',
    heading: 'CPU',
    figures: true,
    from: 'md',
    sortBy: instance => instance.cpu,
    cell: instance => <span className="text-muted">{formatShare(instance.cpu)}</span>,
  },
  {
    id: 'memory',
    heading: 'Memory',
    figures: true,
    from: 'md',
    sortBy: instance => instance.memory_bytes,
    cell: instance => <span className="text-muted">{formatBytes(instance.memory_bytes)}</span>,
  },
]
