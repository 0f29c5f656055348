import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useCreateTopic } from '../../api/changes.ts'
import { useCluster } from '../../app/cluster.ts'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field, LabelledSelect } from '../../ui/Field.tsx'
import { useToast } from '../../ui/Toasts.tsx'

export function TopicCreateDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title="Create topic">
      <TopicForm onClose={onClose} />
    </Dialog>
  )
}

const dayMs = 86_400_000
const retentions = [
  { value: '', label: 'Cluster default' },
  { value: String(dayMs / 24), label: '1 hour' },
  { value: String(dayMs), label: '1 day' },
  { value: String(7 * dayMs), label: '7 days' },
  { value: String(30 * dayMs), label: '30 days' },
  { value: '-1', label: 'Forever' },
]

const policies = [
  { value: '', label: 'Delete after the retention time' },
  { value: 'compact', label: 'Compact: keep the last record of each key' },
  { value: 'compact,delete', label: 'Compact and delete' },
]

function TopicForm({ onClose }: { onClose: () => void }) {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const toast = useToast()
  const create = useCreateTopic(clusterId)
  const [name, setName] = useState('')
  const [partitions, setPartitions] = useState('1')
  const [retention, setRetention] = useState('')
  const [policy, setPolicy] = useState('')
  const partitionCount = Number(partitions)
  const nameError = topicNameError(name)
  const countFits = Number.isInteger(partitionCount) && partitionCount >= 1 && partitionCount <= 10_000

  const submit = () => {
    const configs = {
      ...(retention === '' ? {} : { 'retention.ms': retention }),
      ...(policy === '' ? {} : { 'cleanup.policy': policy }),
    }
    create.mutate(
      { topicName: name, partitionCount, configs },
      {
        onSuccess: () => {
          toast({ tone: 'ok', title: `Topic ${name} created` })
          // Back leads to the list, not to the form again.
          void navigate({ to: '/topics/$topicName', params: { topicName: name }, replace: true })
        },
      },
    )
  }
  return (
    <DialogForm
      submit="Create topic"
      work={create}
      disabled={name === '' || nameError !== undefined || !countFits}
      onCancel={onClose}
      onSubmit={submit}
    >
      <Field
        autoFocus
        label="Name"
        placeholder="orders"
        value={name}
        error={name === '' ? undefined : nameError}
        onChange={event => setName(event.target.value)}
      />
      <Field
        label="Partitions"
        inputMode="numeric"
        value={partitions}
        hint="Can be increased later, but not decreased."
        error={countFits ? undefined : 'A whole number from 1 to 10,000.'}
        onChange={event => setPartitions(event.target.value)}
      />
      <LabelledSelect label="Retention" value={retention} options={retentions} onChange={setRetention} />
      <LabelledSelect label="Cleanup policy" value={policy} options={policies} onChange={setPolicy} />
    </DialogForm>
  )
}

/** Kafka's rule for topic names, checked before the server does. */
function topicNameError(name: string): string | undefined {
  if (name === '.' || name === '..') return 'A topic cannot be called . or ..'
  if (name.length > 249) return 'At most 249 characters.'
  return /^[a-zA-Z0-9._-]*$/.test(name) ? undefined : 'Only letters, digits, dots, underscores and hyphens.'
}
