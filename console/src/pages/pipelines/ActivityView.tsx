import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'
import { sentence } from '../../api/client.ts'
import type { DescribePipelineStatusResponse, PipelineHealth, PipelineInstance } from '../../api/types.ts'
import { useTheme } from '../../app/theme.tsx'
import { Card, CardHeader, Stat, StatRow } from '../../ui/Card.tsx'
import { classNames } from '../../ui/class-names.ts'
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

/** A pipeline's activity: its rates, its instances, their logs. */
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
  const isPaused = status.pipeline_state === 'paused'
  return (
    <StatRow label="Counters">
      <Stat
        label="Received"
        value={formatCount(counters.input_received)}
        note={isPaused ? undefined : `${formatRate(rates.input_per_second)} a second`}
      />
      <Stat
        label="Sent"
        value={formatCount(counters.output_sent)}
        note={isPaused ? undefined : `${formatRate(rates.output_per_second)} a second`}
      />
      <Stat
        label="Errors"
        value={<span className={errors > 0 ? 'text-bad' : ''}>{formatCount(errors)}</span>}
        note={`${formatCount(counters.input_errors)} input, ${formatCount(counters.output_errors)} output, ${formatCount(counters.processor_errors)} processor`}
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
      <CardHeader title="Messages" note="Per second, across all instances" />
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
            <Heading figures className="max-md:hidden">
              Version
            </Heading>
            <Heading figures className="max-md:hidden">
              Since
            </Heading>
            <Heading figures className="max-lg:hidden">
              Received
            </Heading>
            <Heading figures>Sent</Heading>
            <Heading figures className="max-sm:hidden">
              Restarts
            </Heading>
            <Heading figures className="max-md:hidden">
              CPU
            </Heading>
            <Heading figures className="max-md:hidden">
              Memory
            </Heading>
          </HeaderRow>
          <Rows>
            {status.instances.map(instance => (
              <InstanceRows key={instance.instance_id} instance={instance} health={status.health} />
            ))}
          </Rows>
        </Table>
      )}
    </Card>
  )
}

function InstanceRows({ instance, health }: { instance: PipelineInstance; health: PipelineHealth }) {
  return (
    <>
      <Row>
        <Cell>
          <InstancePill state={instance.state} problem={instance.problem} health={health} />
        </Cell>
        <Cell className="w-full max-w-0 truncate" title={instance.agent_id}>
          {instance.agent_name}
        </Cell>
        <Cell figures className="max-md:hidden">
          {instance.version}
        </Cell>
        <Cell figures className="text-muted max-md:hidden">
          <Since at={instance.since} />
        </Cell>
        <Cell figures className="max-lg:hidden">
          {formatCount(instance.counters.input_received)}
        </Cell>
        <Cell figures>{formatCount(instance.counters.output_sent)}</Cell>
        <Cell figures className={classNames('max-sm:hidden', instance.restarts > 0 && 'text-warn')}>
          {formatCount(instance.restarts)}
        </Cell>
        <Cell figures className="text-muted max-md:hidden">
          {formatShare(instance.cpu)}
        </Cell>
        <Cell figures className="text-muted max-md:hidden">
          {formatBytes(instance.memory_bytes)}
        </Cell>
      </Row>
      {instance.error !== null && (
        <TroubleRow>
          <span className="mr-2 font-sans text-muted">
            <Ago at={instance.error.at} />
          </span>
          {instance.error.message}
        </TroubleRow>
      )}
      {instance.problem !== null && <TroubleRow>{instance.problem}</TroubleRow>}
    </>
  )
}

/** The problem of the instance in the row above. */
function TroubleRow({ children }: { children: ReactNode }) {
  return (
    <tr className="border-t-0!">
      <td colSpan={9} className="max-w-0 px-4 pb-2.5">
        <p className="rounded-md bg-bad-soft px-3 py-1.5 font-mono text-xs break-words text-ink">{children}</p>
      </td>
    </tr>
  )
}
