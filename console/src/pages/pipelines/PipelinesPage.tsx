import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { PipelineStatus } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button } from '../../ui/Button.tsx'
import { Card } from '../../ui/Card.tsx'
import { SearchField } from '../../ui/Field.tsx'
import { formatRate, formatShort } from '../../ui/format.ts'
import { Limited } from '../../ui/Limited.tsx'
import { Page } from '../../ui/Page.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/States.tsx'
import { Cell, Heading, HeaderRow, Row, Rows, rowLinkClass, Table } from '../../ui/Table.tsx'
import { errorCount } from './counters.ts'
import { HealthPill } from './Health.tsx'
import { PipelineCreateDialog } from './PipelineCreateDialog.tsx'

const route = getRouteApi('/pipelines')

export default function PipelinesPage() {
  const { queries } = useCluster()
  const pipelines = useQuery(queries.pipelines)
  const { create } = route.useSearch()
  const navigate = route.useNavigate()
  const [filter, setFilter] = useState('')
  const shown = pipelines.data?.filter(pipeline => pipeline.pipeline_name.toLowerCase().includes(filter.toLowerCase()))
  const openForm = () => void navigate({ search: { create: true } })

  return (
    <Page
      name="Pipelines"
      description="Streams that read, transform and write, run by the agents."
      actions={
        <Button variant="primary" icon="plus" data-create="" onClick={openForm}>
          Create pipeline
        </Button>
      }
    >
      {pipelines.data !== undefined && pipelines.data.length > 0 && (
        <SearchField
          label="Filter pipelines"
          value={filter}
          onChange={event => setFilter(event.target.value)}
          className="max-w-xs"
        />
      )}
      <Card>
        {shown === undefined ? (
          pipelines.isError ? (
            <ErrorState what="pipelines" error={pipelines.error} onRetry={() => void pipelines.refetch()} />
          ) : (
            <SkeletonRows label="pipelines" />
          )
        ) : pipelines.data?.length === 0 ? (
          <EmptyState icon="pipelines" title="No pipelines yet">
            A pipeline is a few lines of YAML: where to read, what to change, where to write.
          </EmptyState>
        ) : shown.length === 0 ? (
          <EmptyState icon="search" title="No pipeline is called that" />
        ) : (
          <Limited items={shown}>{some => <PipelineTable pipelines={some} />}</Limited>
        )}
      </Card>
      <PipelineCreateDialog open={create === true} onClose={() => void navigate({ search: {} })} />
    </Page>
  )
}

function PipelineTable({ pipelines }: { pipelines: readonly PipelineStatus[] }) {
  return (
    <Table label="Pipelines">
      <HeaderRow>
        <Heading>Name</Heading>
        <Heading>State</Heading>
        <Heading>Version</Heading>
        <Heading figures>Instances</Heading>
        <Heading figures>In</Heading>
        <Heading figures>Out</Heading>
        <Heading figures>Errors</Heading>
      </HeaderRow>
      <Rows>
        {pipelines.map(pipeline => (
          <Row key={pipeline.pipeline_id} interactive>
            <Cell className="max-w-72 truncate">
              <Link to="/pipelines/$pipelineId" params={{ pipelineId: pipeline.pipeline_id }} className={rowLinkClass}>
                {pipeline.pipeline_name}
              </Link>
            </Cell>
            <Cell>
              <HealthPill health={pipeline.health} title={pipeline.explanation} />
            </Cell>
            <Cell className="whitespace-nowrap">
              <DeployedVersion pipeline={pipeline} />
            </Cell>
            <Cell figures className="text-muted">
              {pipeline.instances_running} / {pipeline.instances_wanted}
            </Cell>
            <Cell figures>
              <Rate value={pipeline.rates.input_per_second} />
            </Cell>
            <Cell figures>
              <Rate value={pipeline.rates.output_per_second} />
            </Cell>
            <Cell figures className={errorCount(pipeline.counters) > 0 ? 'text-bad' : 'text-muted'}>
              {formatShort(errorCount(pipeline.counters))}
            </Cell>
          </Row>
        ))}
      </Rows>
    </Table>
  )
}

function Rate({ value }: { value: number }) {
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
