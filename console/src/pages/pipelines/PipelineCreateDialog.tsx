import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { errorText } from '../../api/client.ts'
import { useCreatePipeline } from '../../api/queries.ts'
import { useCluster } from '../../app/cluster.ts'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'

export function PipelineCreateDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Create pipeline"
      description="Next comes the editor; nothing runs yet."
    >
      <PipelineForm onClose={onClose} />
    </Dialog>
  )
}

function PipelineForm({ onClose }: { onClose: () => void }) {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const create = useCreatePipeline(clusterId)
  const [name, setName] = useState('')
  const submit = () =>
    create.mutate(name.trim(), {
      onSuccess: created =>
        void navigate({ to: '/pipelines/$pipelineId', params: { pipelineId: created.pipeline_id } }),
    })
  return (
    <DialogForm
      submit="Create pipeline"
      busy={create.isPending}
      disabled={name.trim() === ''}
      error={create.error === null ? undefined : errorText(create.error)}
      onCancel={onClose}
      onSubmit={submit}
    >
      <Field
        autoFocus
        label="Pipeline name"
        placeholder="orders-to-warehouse"
        value={name}
        onChange={event => setName(event.target.value)}
      />
    </DialogForm>
  )
}
