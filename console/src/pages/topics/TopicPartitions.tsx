import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useUpdateTopic } from '../../api/changes.ts'
import type { DescribeTopicResponse, TopicPartition } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { formatBytes, formatCount, formatPlural } from '../../ui/format.ts'
import { rowLinkClass } from '../../ui/Table.tsx'
import { useToast } from '../../ui/Toasts.tsx'

/** The partitions of a topic, and a form to add more. */
export function TopicPartitions({ topic }: { topic: DescribeTopicResponse }) {
  const [sort, setSort] = useState('partition')
  const [adding, setAdding] = useState(false)
  const columns = useMemo(() => columnsOf(topic.topic_name), [topic.topic_name])
  return (
    <Card className="overflow-hidden">
      <CardHeader title={formatPlural(topic.partition_count, 'partition')}>
        <Button size="small" icon="plus" onClick={() => setAdding(true)}>
          Add partitions
        </Button>
      </CardHeader>
      <DataTable
        interactive
        label="Partitions"
        items={topic.partitions}
        columns={columns}
        keyOf={one => String(one.partition)}
        sort={sort}
        onSort={setSort}
      />
      {adding && <AddPartitionsDialog topic={topic} onClose={() => setAdding(false)} />}
    </Card>
  )
}

const recordsOf = (one: TopicPartition) => one.high_watermark - one.log_start_offset

function columnsOf(topicName: string): readonly Column<TopicPartition>[] {
  return [
    {
      id: 'partition',
      heading: 'Partition',
      sortBy: one => one.partition,
      cell: one => (
        <Link
          to="/topics/$topicName"
          params={{ topicName }}
          search={{ partition: one.partition }}
          title="Show its messages"
          className={rowLinkClass}
        >
          {one.partition}
        </Link>
      ),
    },
    {
      id: 'start',
      heading: 'First offset',
      figures: true,
      from: 'sm',
      sortBy: one => one.log_start_offset,
      cell: one => formatCount(one.log_start_offset),
    },
    {
      id: 'end',
      heading: 'Next offset',
      figures: true,
      from: 'sm',
      sortBy: one => one.high_watermark,
      cell: one => formatCount(one.high_watermark),
    },
    {
      id: 'records',
      heading: 'Records',
      figures: true,
      sortBy: recordsOf,
      cell: one => formatCount(recordsOf(one)),
    },
    {
      id: 'size',
      heading: 'Size',
      figures: true,
      sortBy: one => one.size_bytes,
      cell: one => <span className="text-muted">{one.size_bytes === null ? '–' : formatBytes(one.size_bytes)}</span>,
    },
  ]
}

function AddPartitionsDialog({ topic, onClose }: { topic: DescribeTopicResponse; onClose: () => void }) {
  return (
    <Dialog
      title="Add partitions"
      description="Partitions cannot be removed again. Keys may move to other partitions: messages with the same key are ordered only within a partition."
      onClose={onClose}
    >
      <AddPartitionsForm topic={topic} onClose={onClose} />
    </Dialog>
  )
}

function AddPartitionsForm({ topic, onClose }: { topic: DescribeTopicResponse; onClose: () => void }) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const update = useUpdateTopic(clusterId, topic.topic_name)
  const [total, setTotal] = useState(String(topic.partition_count + 1))
  const count = Number(total)
  const fits = Number.isInteger(count) && count > topic.partition_count && count <= 10_000
  return (
    <DialogForm
      submit="Add partitions"
      work={update}
      disabled={!fits}
      onCancel={onClose}
      onSubmit={() =>
        update.mutate(
          { partitionCount: count },
          {
            onSuccess: () => {
              toast({ tone: 'ok', title: `The topic has ${count} partitions` })
              onClose()
            },
          },
        )
      }
    >
      <Field
        autoFocus
        label="Partitions in total"
        inputMode="numeric"
        value={total}
        error={fits ? undefined : `A whole number from ${topic.partition_count + 1} to 10,000.`}
        onChange={event => setTotal(event.target.value)}
      />
    </DialogForm>
  )
}
