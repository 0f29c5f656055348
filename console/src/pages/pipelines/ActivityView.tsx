import type { UseQueryResult } from '@tanstack/react-query'
import { useMemo } from 'react'
import { sentence } from '../../api/client.ts'
import type { DescribePipelineStatusResponse, PipelineInstance } from '../../api/types.ts'
import { useTheme } from '../../app/theme.tsx'
import { Card, CardHeader, Stat, StatRow } from '../../ui/Card.tsx'
import { formatBytes, formatCount, formatPlural, formatRate, formatShare } from '../../ui/format.ts'
import { EmptyState, ErrorState, Notice, SkeletonRows } from '../../ui/States.tsx'
import { Cell, Heading, HeaderRow, Row, Rows, Table } from '../../ui/Table.tsx'
import { Ago, Since } from '../../ui/Time.tsx'
import { TimeChart } from '../../ui/TimeChart.tsx'
import { errorCount } from './counters.ts'
import { InstancePill } from './Health.tsx'
import { LogView } from './LogView.tsx'

interface ActivityViewProps {
  readonly pipelineId: string
  readonly status: UseQueryResult<DescribePipelineStatusResponse>
}

/** How a pipeline does: its rates, its instances, what they say. */
export function ActivityView({ pipelineId, status }: ActivityViewProps) {
  const data = status.data
  return (
    <div data-scroll-restoration-id="activity" className="min-h-0 flex-1 overflow-y-auto [scrollbar-gutter:stable]">
      <div className="mx-auto flex max-w-6xl flex-col gap-5 px-4 py-5 sm:px-6">
        {data === undefined ? (
          <Card>
            {status.isError ? (
              <ErrorState what="status" error={status.error} onRetry={() => void status.refetch()} />
            ) : (
              <SkeletonRows label="status" />
            )}
          </Card>
        ) : (
          <>
            {data.explanation !== null && (
              <Notice tone={data.health === 'failing' ? 'bad' : data.health === 'completed' ? 'accent' : 'warn'}>
                {sentence(data.explanation)}
              </Notice>
            )}
            <Figures status={data} />
            <Rates status={data} />
            <Instances status={data} />
          </>
        )}
        <LogView pipelineId={pipelineId} />
      </div>
    </div>
  )
}

function Figures({ status }: { status: DescribePipelineStatusResponse }) {
  const { counters, rates } = status
  const errors = errorCount(counters)
  return (
    <StatRow label="Counters">
      <Stat
        label="Received"
        value={formatCount(counters.input_received)}
        note={`${formatRate(rates.input_per_second)} a second`}
      />
      <Stat
        label="Sent"
        value={formatCount(counters.output_sent)}
        note={`${formatRate(rates.output_per_second)} a second`}
      />
      <Stat
        label="Errors"
        value={<span className={errors > 0 ? 'text-bad' : ''}>{formatCount(errors)}</span>}
        note={`${formatCount(counters.input_errors)} of inputs, ${formatCount(counters.output_errors)} of outputs, ${formatCount(counters.processor_errors)} of processors`}
      />
      <Stat
        label="Instances"
        value={`${status.instances_running}`}
        unit={`of ${status.instances_wanted}`}
        note={status.deployed_version === null ? 'Nothing deployed' : `Version ${status.deployed_version} deployed`}
      />
    </StatRow>
  )
}

const formatMessageRate = (value: number) => `${formatRate(value)}/s`

function Rates({ status }: { status: DescribePipelineStatusResponse }) {
  const { shown } = useTheme()
  const { history } = status
  const times = useMemo(() => history.map(point => Date.parse(point.at) / 1000), [history])
  const series = useMemo(() => {
    const hasErrors = history.some(point => point.errors_per_second > 0)
    return [
      { label: 'In', color: '--series-in', values: history.map(point => point.input_per_second) },
      { label: 'Out', color: '--series-out', values: history.map(point => point.output_per_second) },
      ...(hasErrors
        ? [{ label: 'Errors', color: '--bad', values: history.map(point => point.errors_per_second) }]
        : []),
    ]
  }, [history])
  return (
    <Card>
      <CardHeader title="Messages" note="A second, over all instances" />
      <TimeChart label="Messages" times={times} series={series} format={formatMessageRate} theme={shown} />
    </Card>
  )
}

function Instances({ status }: { status: DescribePipelineStatusResponse }) {
  return (
    <Card>
      <CardHeader title="Instances" note={formatPlural(status.instances.length, 'instance')} />
      {status.instances.length === 0 ? (
        <EmptyState icon="agents" title="No instances">
          {status.pipeline_state === 'paused' ? 'The pipeline is paused.' : 'No agent has started one yet.'}
        </EmptyState>
      ) : (
        <Table label="Instances">
          <HeaderRow>
            <Heading>State</Heading>
            <Heading>Agent</Heading>
            <Heading figures>Version</Heading>
            <Heading figures>Since</Heading>
            <Heading figures>Received</Heading>
            <Heading figures>Sent</Heading>
            <Heading figures>Restarts</Heading>
            <Heading figures>CPU</Heading>
            <Heading figures>Memory</Heading>
          </HeaderRow>
          <Rows>
            {status.instances.map(instance => (
              <InstanceRows key={instance.instance_id} instance={instance} />
            ))}
          </Rows>
        </Table>
      )}
    </Card>
  )
}

function InstanceRows({ instance }: { instance: PipelineInstance }) {
  return (
    <>
      <Row>
        <Cell>
          <InstancePill state={instance.state} />
        </Cell>
        <Cell className="max-w-48 truncate" title={instance.agent_id}>
          {instance.agent_name}
        </Cell>
        <Cell figures>{instance.version}</Cell>
        <Cell figures className="text-muted">
          <Since at={instance.since} />
        </Cell>
        <Cell figures>{formatCount(instance.counters.input_received)}</Cell>
        <Cell figures>{formatCount(instance.counters.output_sent)}</Cell>
        <Cell figures className={instance.restarts > 0 ? 'text-warn' : ''}>
          {formatCount(instance.restarts)}
        </Cell>
        <Cell figures className="text-muted">
          {formatShare(instance.cpu)}
        </Cell>
        <Cell figures className="text-muted">
          {formatBytes(instance.memory_bytes)}
        </Cell>
      </Row>
      {instance.error !== null && (
        <tr className="border-t-0!">
          <td colSpan={9} className="px-4 pb-2.5">
            <p className="rounded-md bg-bad-soft px-3 py-1.5 font-mono text-xs break-words text-ink">
              <span className="mr-2 font-sans text-faint">
                <Ago at={instance.error.at} />
              </span>
              {instance.error.message}
            </p>
          </td>
        </tr>
      )}
      {instance.problem !== null && (
        <tr className="border-t-0!">
          <td colSpan={9} className="px-4 pb-2.5">
            <p className="rounded-md bg-bad-soft px-3 py-1.5 font-mono text-xs break-words text-ink">
              {instance.problem}
            </p>
          </td>
        </tr>
      )}
    </>
  )
}
