import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { DescribeOverviewResponse, PipelineHealth } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { useTheme } from '../../app/theme.tsx'
import { Card, CardHeader, Stat, StatRow } from '../../ui/Card.tsx'
import { formatBytes, formatCount, formatPlural, formatRate } from '../../ui/format.ts'
import { Page } from '../../ui/Page.tsx'
import { Dot, Pill, type Tone } from '../../ui/Pill.tsx'
import { ErrorState, Skeleton } from '../../ui/States.tsx'
import { TimeChart } from '../../ui/TimeChart.tsx'
import { healthLooks, healthOrder } from '../pipelines/Health.tsx'
import { GettingStarted } from './GettingStarted.tsx'
import { Problems } from './Problems.tsx'

/** The state of the cluster at a glance. */
export default function OverviewPage() {
  const { queries } = useCluster()
  const overview = useQuery(queries.overview)
  const data = overview.data
  const health = data === undefined ? undefined : clusterHealth(data)

  return (
    <Page
      name="Overview"
      title={
        <>
          {data === undefined ? <Skeleton className="h-7 w-40" /> : data.virtual_cluster.name}
          {health !== undefined && (
            <Pill dot tone={health.tone} moving={health.tone !== 'ok'}>
              {health.label}
            </Pill>
          )}
          {data?.is_ephemeral === true && (
            <Pill tone="accent" title="Everything is kept in memory and is lost when the process ends.">
              Playground
            </Pill>
          )}
        </>
      }
      description={health?.sentence ?? <Skeleton className="mt-1 h-4 w-72" />}
    >
      {overview.isError && data === undefined ? (
        <Card>
          <ErrorState what="overview" error={overview.error} onRetry={() => void overview.refetch()} />
        </Card>
      ) : (
        <>
          <Figures data={data} />
          <div className="grid gap-5 lg:grid-cols-2">
            <Throughput data={data} />
            <Records data={data} />
          </div>
          <div className="grid items-start gap-5 lg:grid-cols-2">
            <GettingStarted data={data} />
            <Problems problems={data?.problems} />
          </div>
        </>
      )}
    </Page>
  )
}

function Figures({ data }: { data: DescribeOverviewResponse | undefined }) {
  const counts = data?.counts
  const wait = <Skeleton className="my-1.5 h-5 w-10" />
  const pipelineCount =
    counts === undefined ? 0 : Object.values(counts.pipelines).reduce((sum, count) => sum + count, 0)
  return (
    <StatRow label="Counts">
      <Stat
        label="Pipelines"
        value={counts === undefined ? wait : formatCount(pipelineCount)}
        note={counts === undefined ? ' ' : <PipelineCounts counts={counts.pipelines} />}
      />
      <Stat
        label="Topics"
        value={counts === undefined ? wait : formatCount(counts.topics)}
        note={counts === undefined ? ' ' : formatPlural(counts.partitions, 'partition')}
      />
      <Stat
        label="Consumer groups"
        value={counts === undefined ? wait : formatCount(counts.consumer_groups)}
        note={
          <Link to="/consumers" className="hover:text-ink">
            Members and lag
          </Link>
        }
      />
      <Stat
        label="Agents"
        value={counts === undefined ? wait : formatCount(counts.agents_alive)}
        note={
          counts === undefined ? (
            ' '
          ) : (
            <Link
              to="/agents"
              search={counts.agents_lost > 0 ? { state: 'lost' } : {}}
              className={counts.agents_lost > 0 ? 'text-bad hover:underline' : 'hover:text-ink'}
            >
              {agentsNote(counts)}
            </Link>
          )
        }
      />
    </StatRow>
  )
}

function agentsNote({ agents_alive: alive, agents_lost: lost }: DescribeOverviewResponse['counts']): string {
  if (lost > 0) return `${lost} lost`
  return alive === 0 ? 'None yet' : 'All alive'
}

function PipelineCounts({ counts }: { counts: Readonly<Record<PipelineHealth, number>> }) {
  const present = healthOrder.filter(health => counts[health] > 0)
  if (present.length === 0) return <>None yet</>
  return (
    <span className="flex flex-wrap gap-x-3">
      {present.map(health => (
        <Link
          key={health}
          to="/pipelines"
          search={{ state: health }}
          className="inline-flex items-center gap-1.5 hover:text-ink"
        >
          <Dot tone={healthLooks[health].tone} />
          {counts[health]} {healthLooks[health].label.toLowerCase()}
        </Link>
      ))}
    </span>
  )
}

const formatByteRate = (value: number) => `${formatBytes(value)}/s`
const formatRecordRate = (value: number) => `${formatRate(value)}/s`

function Throughput({ data }: { data: DescribeOverviewResponse | undefined }) {
  const { shown } = useTheme()
  const history = data?.history
  const times = useMemo(() => (history ?? []).map(point => Date.parse(point.at) / 1000), [history])
  const series = useMemo(
    () => [
      {
        label: 'Produced',
        color: '--series-in',
        values: (history ?? []).map(point => point.produced_bytes_per_second),
      },
      {
        label: 'Fetched',
        color: '--series-out',
        values: (history ?? []).map(point => point.fetched_bytes_per_second),
      },
    ],
    [history],
  )
  return (
    <Card>
      <CardHeader title="Throughput" note="Kafka ports of all agents" />
      <TimeChart binary label="Throughput" times={times} series={series} format={formatByteRate} theme={shown} />
    </Card>
  )
}

function Records({ data }: { data: DescribeOverviewResponse | undefined }) {
  const { shown } = useTheme()
  const history = data?.history
  const times = useMemo(() => (history ?? []).map(point => Date.parse(point.at) / 1000), [history])
  const series = useMemo(
    () => [
      {
        label: 'Produced',
        color: '--series-in',
        values: (history ?? []).map(point => point.produced_records_per_second),
      },
    ],
    [history],
  )
  return (
    <Card>
      <CardHeader title="Records" note="Written by producers and pipelines" />
      <TimeChart label="Records" times={times} series={series} format={formatRecordRate} theme={shown} />
    </Card>
  )
}

function clusterHealth(data: DescribeOverviewResponse): { label: string; tone: Tone; sentence: string } {
  const { agents_alive: alive, pipelines } = data.counts
  if (alive === 0) {
    return {
      label: 'No agents',
      tone: 'bad',
      sentence: 'No agent is alive: Kafka clients cannot connect and pipelines do not run.',
    }
  }
  const failing = pipelines.failing + pipelines.degraded
  if (failing > 0) {
    return {
      label: 'Needs attention',
      tone: 'warn',
      sentence: `${formatPlural(failing, 'pipeline')} ${failing === 1 ? 'does' : 'do'} not run as configured.`,
    }
  }
  return { label: 'Healthy', tone: 'ok', sentence: `Serving Kafka clients at ${data.kafka_address ?? 'its agents'}.` }
}
