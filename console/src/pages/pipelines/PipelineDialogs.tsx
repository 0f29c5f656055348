import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useCreatePipeline, useDeletePipeline, useDuplicatePipeline, useRenamePipeline } from '../../api/changes.ts'
import type { DescribePipelineResponse, PipelineOverview } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { DeleteDialog } from '../../app/DeleteDialog.tsx'
import { Dialog, DialogForm, type Work } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { useToast } from '../../ui/Toasts.tsx'

export function PipelineCreateDialog({ onClose }: { onClose: () => void }) {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const create = useCreatePipeline(clusterId)
  return (
    <NameDialog
      title="Create pipeline"
      description="You write its configuration next. Nothing runs until you switch it on."
      submit="Create pipeline"
      work={create}
      onClose={onClose}
      onSubmit={name =>
        create.mutate(name, {
          onSuccess: created =>
            // Back leads to the list, not to the form again.
            void navigate({
              to: '/pipelines/$pipelineId',
              params: { pipelineId: created.pipeline_id },
              replace: true,
            }),
        })
      }
    />
  )
}

export function PipelineRenameDialog({ overview, onClose }: { overview: PipelineOverview; onClose: () => void }) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const rename = useRenamePipeline(clusterId, overview.id)
  return (
    <NameDialog
      title="Rename pipeline"
      description="Its id, versions and metrics stay as they are, and it keeps running."
      submit="Rename"
      initialName={overview.name}
      work={rename}
      onClose={onClose}
      onSubmit={name =>
        rename.mutate(name, {
          onSuccess: () => {
            toast({ tone: 'ok', title: `Renamed to ${name}` })
            onClose()
          },
        })
      }
    />
  )
}

export function PipelineDuplicateDialog({
  pipeline,
  onClose,
}: {
  pipeline: DescribePipelineResponse
  onClose: () => void
}) {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  const toast = useToast()
  const duplicate = useDuplicatePipeline(clusterId)
  const { pipeline_overview: overview, pipeline_configurations: versions } = pipeline
  const source = versions.find(one => one.id === overview.deployed_configuration_id) ?? versions.at(-1)
  if (source === undefined) return null
  return (
    <NameDialog
      title="Duplicate pipeline"
      description={`The copy starts paused, with Version ${source.version} as its first version. Change its consumer groups if both pipelines should read the same topics in full.`}
      submit="Duplicate"
      initialName={`${overview.name}-copy`}
      work={duplicate}
      onClose={onClose}
      onSubmit={name =>
        duplicate.mutate(
          { name, yaml: source.configuration_yaml },
          {
            onSuccess: created => {
              toast({ tone: 'ok', title: `Pipeline ${name} created` })
              onClose()
              void navigate({ to: '/pipelines/$pipelineId', params: { pipelineId: created.pipeline_id } })
            },
          },
        )
      }
    />
  )
}

export function PipelineDeleteDialog({ overview, onClose }: { overview: PipelineOverview; onClose: () => void }) {
  const { clusterId } = useCluster()
  const navigate = useNavigate()
  return (
    <DeleteDialog
      what="pipeline"
      name={overview.name}
      consequence="It stops, and all its versions are permanently deleted. Topics that it wrote to stay."
      deletion={useDeletePipeline(clusterId, overview.id)}
      onDeleted={() => void navigate({ to: '/pipelines', ignoreBlocker: true })}
      onClose={onClose}
    />
  )
}

interface NameDialogProps {
  readonly title: string
  readonly description: string
  readonly submit: string
  readonly initialName?: string
  readonly work: Work
  readonly onClose: () => void
  readonly onSubmit: (name: string) => void
}

/** Asks for the name of a pipeline. */
function NameDialog({ title, description, onClose, ...form }: NameDialogProps) {
  return (
    <Dialog onClose={onClose} title={title} description={description}>
      <NameForm {...form} onClose={onClose} />
    </Dialog>
  )
}

function NameForm({
  submit,
  initialName = '',
  work,
  onClose,
  onSubmit,
}: Omit<NameDialogProps, 'title' | 'description'>) {
  const [typed, setTyped] = useState(initialName)
  const name = typed.trim()
  return (
    <DialogForm submit={submit} work={work} disabled={name === ''} onCancel={onClose} onSubmit={() => onSubmit(name)}>
      <Field
        autoFocus
        label="Pipeline name"
        placeholder="orders-to-warehouse"
        maxLength={128}
        value={typed}
        onFocus={event => event.target.select()}
        onChange={event => setTyped(event.target.value)}
      />
    </DialogForm>
  )
}
