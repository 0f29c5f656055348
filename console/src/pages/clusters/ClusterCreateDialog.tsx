import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useCreateCluster } from '../../api/changes.ts'
import type { ApiResponse } from '../../api/types.ts'
import { CodeBlock } from '../../ui/Copy.tsx'
import { Dialog, DialogForm, DialogResult } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { agentCommand } from './agent-command.ts'
import { clusterNameProblem } from './cluster-name.ts'

/** Creates a virtual cluster, then shows how to start its first agent. */
export function ClusterCreateDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const [created, setCreated] = useState<ApiResponse<'create_virtual_cluster'>>()
  if (created === undefined) {
    return (
      <Dialog title="Create cluster" onClose={onClose}>
        <CreateForm onCreated={setCreated} onClose={onClose} />
      </Dialog>
    )
  }
  const open = () => void navigate({ to: '/', search: { cluster: created.virtual_cluster_id }, replace: true })
  return (
    <Dialog
      wide
      title={`${created.virtual_cluster_name} is ready for its first agent`}
      description="The agent's key stays readable in the cluster's settings."
      onClose={open}
    >
      <DialogResult onClose={open}>
        <div>
          <h3 className="mb-1.5 text-sm font-medium">Start an agent</h3>
          <CodeBlock label="Copy the command" text={agentCommand(created.virtual_cluster_id, created.agent_key?.key)} />
        </div>
      </DialogResult>
    </Dialog>
  )
}

function CreateForm({
  onCreated,
  onClose,
}: {
  onCreated: (created: ApiResponse<'create_virtual_cluster'>) => void
  onClose: () => void
}) {
  const create = useCreateCluster()
  const [name, setName] = useState('')
  const problem = clusterNameProblem(name)
  return (
    <DialogForm
      submit="Create cluster"
      work={create}
      disabled={problem !== undefined}
      onCancel={onClose}
      onSubmit={() => create.mutate(name, { onSuccess: onCreated })}
    >
      <Field
        autoFocus
        label="Name"
        placeholder="orders_eu"
        value={name}
        hint="Shown with the prefix vcn_."
        error={name === '' ? undefined : problem}
        onChange={event => setName(event.target.value)}
      />
    </DialogForm>
  )
}
