import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { Agent } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { type ListState, ResourceList } from '../../app/ResourceList.tsx'
import { CodeBlock } from '../../ui/Copy.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { formatBytes, formatCount, formatShare } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { EmptyState } from '../../ui/States.tsx'
import { rowLinkClass } from '../../ui/Table.tsx'
import { agentCommand } from '../clusters/agent-command.ts'
import { AgentState } from './AgentState.tsx'

const route = getRouteApi('/agents')

/** All agents of the cluster. */
export default function AgentsPage() {
  const { clusterId, queries } = useCluster()
  const agents = useQuery(queries.agents)
  const search = route.useSearch()
  const navigate = route.useNavigate()

  return (
    <Page name="Agents" description="Stateless processes that serve Kafka clients and run pipelines.">
      <ResourceList
        query={agents}
        what="agents"
        search={search}
        onSearch={next => void navigate({ search: next, replace: true })}
        keyOf={agent => agent.agent_id}
        textOf={textOf}
        states={states}
        columns={columns}
        empty={
          <EmptyState icon="agents" title="No agents yet">
            <p>An agent appears here as soon as it has registered with this control plane.</p>
            <div className="mt-4 text-left">
              <CodeBlock label="Copy the command" text={agentCommand(clusterId, undefined)} />
            </div>
          </EmptyState>
        }
      />
    </Page>
  )
}

/** An agent is found by its name, group, zone, addresses and roles. */
const textOf = (agent: Agent) =>
  [
    agent.agent_name,
    agent.pipeline_group,
    agent.availability_zone,
    agent.kafka_address,
    agent.http_address,
    ...agent.roles,
  ].join(' ')

const rolesOf = (agent: Agent) => agent.roles.join(', ')

const states: readonly ListState<Agent>[] = [
  { state: 'lost', label: 'Lost', holds: agent => !agent.is_alive },
  { state: 'alive', label: 'Alive', holds: agent => agent.is_alive },
]

const columns: readonly Column<Agent>[] = [
  {
    id: 'name',
    heading: 'Name',
    grows: true,
    sortBy: agent => agent.agent_name,
    cell: agent => (
      <Link
        to="/agents/$agentId"
        params={{ agentId: agent.agent_id }}
        title={agent.agent_name}
        className={rowLinkClass}
      >
        {agent.agent_name}
      </Link>
    ),
  },
  {
    id: 'state',
    heading: 'State',
    sortBy: agent => Number(agent.is_alive),
    cell: agent => <AgentState agent={agent} />,
  },
  {
    id: 'roles',
    heading: 'Roles',
    from: 'md',
    sortBy: rolesOf,
    cell: agent => (
      <span className="block max-w-44 truncate text-muted" title={rolesOf(agent)}>
        {rolesOf(agent)}
      </span>
    ),
  },
  {
    id: 'zone',
    heading: 'Zone',
    from: 'md',
    sortBy: agent => agent.availability_zone,
    cell: agent => <span className="text-muted">{agent.availability_zone || '–'}</span>,
  },
  {
    id: 'group',
    heading: 'Group',
    from: 'lg',
    sortBy: agent => agent.pipeline_group,
    cell: agent => <span className="text-muted">{agent.pipeline_group || '–'}</span>,
  },
  {
    id: 'pipelines',
    heading: 'Instances',
    figures: true,
    from: 'sm',
    sortBy: agent => agent.instances.length,
    cell: agent => formatCount(agent.instances.length),
  },
  {
    id: 'connections',
    heading: 'Connections',
    figures: true,
    from: 'lg',
    sortBy: agent => agent.connections,
    cell: agent => formatCount(agent.connections),
  },
  {
    id: 'cpu',
    heading: 'CPU',
    figures: true,
    from: 'sm',
    sortBy: agent => agent.cpu,
    cell: agent => <span className="text-muted">{formatShare(agent.cpu)}</span>,
  },
  {
    id: 'memory',
    heading: 'Memory',
    figures: true,
    from: 'lg',
    sortBy: agent => agent.memory_bytes,
    cell: agent => <span className="text-muted">{formatBytes(agent.memory_bytes)}</span>,
  },
]
