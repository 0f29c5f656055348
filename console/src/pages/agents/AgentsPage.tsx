import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Agent } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Card } from '../../ui/Card.tsx'
import { CopyButton } from '../../ui/Copy.tsx'
import { formatBytes, formatCount, formatShare } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Cell, Heading, HeaderRow, Row, Rows, Table } from '../../ui/Table.tsx'
import { Ago, Since } from '../../ui/Time.tsx'
import { InstancePill } from '../pipelines/Health.tsx'

export default function AgentsPage() {
  const { queries } = useCluster()
  const agents = useQuery(queries.agents)
  return (
    <Page name="Agents" description="Stateless processes that serve Kafka clients and run pipelines.">
      {agents.data === undefined ? (
        <Card>
          {agents.isError ? (
            <ErrorState what="agents" error={agents.error} onRetry={() => void agents.refetch()} />
          ) : (
            <SkeletonRows label="agents" rows={3} />
          )}
        </Card>
      ) : agents.data.length === 0 ? (
        <Card>
          <EmptyState icon="agents" title="No agent has registered">
            Start one with <code>penstock agent</code>; it appears here within seconds.
          </EmptyState>
        </Card>
      ) : (
        agents.data.map(agent => <AgentCard key={agent.agent_id} agent={agent} />)
      )}
    </Page>
  )
}

function AgentCard({ agent }: { agent: Agent }) {
  return (
    <Card>
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line px-4 py-3">
        <h2 className="text-base font-semibold">{agent.agent_name}</h2>
        {agent.is_alive ? (
          <Pill dot tone="ok">
            Alive
          </Pill>
        ) : (
          <Pill dot tone="bad">
            Lost
          </Pill>
        )}
        {agent.roles.map(role => (
          <Pill key={role} tone="neutral">
            {role}
          </Pill>
        ))}
        <span className="ml-auto text-xs text-faint">
          Seen <Ago at={agent.last_seen_at} />
        </span>
      </header>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3.5 sm:grid-cols-4">
        <Fact label="Version">{agent.version}</Fact>
        <Fact label="Uptime">{agent.is_alive ? <Since at={agent.started_at} /> : '–'}</Fact>
        <Fact label="CPU">{formatShare(agent.cpu)} of a core</Fact>
        <Fact label="Memory">{formatBytes(agent.memory_bytes)}</Fact>
        <Fact label="Kafka">
          {agent.kafka_address === null ? (
            'not served'
          ) : (
            <Address text={agent.kafka_address} label="Copy the Kafka address" />
          )}
        </Fact>
        <Fact label="HTTP">
          {agent.http_address === null ? (
            'not served'
          ) : (
            <Address text={agent.http_address} label="Copy the HTTP address" />
          )}
        </Fact>
        <Fact label="Connections">{formatCount(agent.connections)}</Fact>
        <Fact label="Pipeline group">{agent.pipeline_group === '' ? 'none' : agent.pipeline_group}</Fact>
      </dl>
      <Instances agent={agent} />
    </Card>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-faint">{label}</dt>
      <dd className="figures mt-0.5 truncate">{children}</dd>
    </div>
  )
}

function Address({ text, label }: { text: string; label: string }) {
  return (
    <span className="flex h-5 items-center gap-1">
      <code className="truncate text-xs">{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  )
}

function Instances({ agent }: { agent: Agent }) {
  if (agent.instances.length === 0) {
    return <p className="border-t border-line px-4 py-3 text-xs text-faint">Runs no pipeline.</p>
  }
  return (
    <div className="border-t border-line">
      <Table label={`Pipelines on ${agent.agent_name}`}>
        <HeaderRow>
          <Heading>Pipeline</Heading>
          <Heading>State</Heading>
          <Heading figures>Version</Heading>
          <Heading figures>Sent</Heading>
          <Heading figures>Restarts</Heading>
          <Heading figures>CPU</Heading>
          <Heading figures>Memory</Heading>
        </HeaderRow>
        <Rows>
          {agent.instances.map(instance => (
            <Row key={instance.instance_id}>
              <Cell>
                <Link
                  to="/pipelines/$pipelineId"
                  params={{ pipelineId: instance.pipeline_id }}
                  search={{ tab: 'activity' }}
                  className="font-medium hover:text-accent-text"
                >
                  {instance.pipeline_name}
                </Link>
              </Cell>
              <Cell>
                <InstancePill state={instance.state} />
              </Cell>
              <Cell figures>{instance.version}</Cell>
              <Cell figures>{formatCount(instance.counters.output_sent)}</Cell>
              <Cell figures>{formatCount(instance.restarts)}</Cell>
              <Cell figures>{formatShare(instance.cpu)}</Cell>
              <Cell figures>{formatBytes(instance.memory_bytes)}</Cell>
            </Row>
          ))}
        </Rows>
      </Table>
    </div>
  )
}
