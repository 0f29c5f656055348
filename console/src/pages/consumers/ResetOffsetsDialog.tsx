import { useState } from 'react'
import { useResetOffsets } from '../../api/changes.ts'
import type { ApiRequest, ApiResponse } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field, LabelledSelect } from '../../ui/Field.tsx'
import { formatPlural } from '../../ui/format.ts'
import { useToast } from '../../ui/Toasts.tsx'

interface ResetOffsetsDialogProps {
  readonly group: ApiResponse<'describe_consumer_group'>
  readonly onClose: () => void
}

/** Moves a consumer group to other offsets. */
export function ResetOffsetsDialog(props: ResetOffsetsDialogProps) {
  return (
    <Dialog
      title="Reset offsets"
      description="Consumers of the group continue from the new offsets when they restart. Messages in between are read again or skipped."
      onClose={props.onClose}
    >
      <ResetOffsetsForm {...props} />
    </Dialog>
  )
}

type Target = ApiRequest<'reset_consumer_group_offsets'>['to']

const targets: readonly { readonly value: Target; readonly label: string }[] = [
  { value: 'earliest', label: 'Earliest: read everything again' },
  { value: 'latest', label: 'Latest: skip existing messages' },
  { value: 'timestamp', label: 'A point in time' },
  { value: 'offset', label: 'An offset' },
]

function ResetOffsetsForm({ group, onClose }: ResetOffsetsDialogProps) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const reset = useResetOffsets(clusterId, group.consumer_group_id)
  const [topic, setTopic] = useState('')
  const [to, setTo] = useState<Target>('earliest')
  const [time, setTime] = useState('')
  const [offset, setOffset] = useState('0')
  const isOffset = /^\d+$/.test(offset) && Number.isSafeInteger(Number(offset))
  const isReady = { earliest: true, latest: true, timestamp: time !== '', offset: isOffset }[to]

  const submit = () =>
    reset.mutate(
      {
        to,
        ...(topic === '' ? {} : { topic_name: topic }),
        ...(to === 'timestamp' ? { timestamp: new Date(time).toISOString() } : {}),
        ...(to === 'offset' ? { offset: Number(offset) } : {}),
      },
      {
        onSuccess: ({ offsets }) => {
          toast({ tone: 'ok', title: `Offsets of ${formatPlural(offsets.length, 'partition')} reset` })
          onClose()
        },
      },
    )

  return (
    <DialogForm danger submit="Reset offsets" work={reset} disabled={!isReady} onCancel={onClose} onSubmit={submit}>
      <LabelledSelect
        label="Topic"
        value={topic}
        options={[
          { value: '', label: 'All topics of the group' },
          ...group.topic_names.map(name => ({ value: name, label: name })),
        ]}
        onChange={setTopic}
      />
      <LabelledSelect label="Move to" value={to} options={targets} onChange={setTo} />
      {to === 'timestamp' && (
        <Field
          label="Time"
          type="datetime-local"
          step={1}
          value={time}
          hint="In your time zone. Each partition moves to its first message at or after this time."
          onChange={event => setTime(event.target.value)}
        />
      )}
      {to === 'offset' && (
        <Field
          label="Offset"
          inputMode="numeric"
          value={offset}
          hint="In every partition; an offset out of a partition's range becomes its first or next one."
          error={isOffset ? undefined : 'A whole number from 0 on.'}
          onChange={event => setOffset(event.target.value)}
        />
      )}
    </DialogForm>
  )
}
