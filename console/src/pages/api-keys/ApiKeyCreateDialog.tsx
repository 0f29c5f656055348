import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useCreateApiKey } from '../../api/changes.ts'
import { clustersQuery } from '../../api/queries.ts'
import { CopyLine } from '../../ui/Copy.tsx'
import { Dialog, DialogForm, DialogResult } from '../../ui/Dialog.tsx'
import { Field, LabelledSelect } from '../../ui/Field.tsx'
import { type KeyKind, kinds } from './key-kinds.ts'

/** Creates a key, then shows it. */
export function ApiKeyCreateDialog({ onClose }: { onClose: () => void }) {
  const [secret, setSecret] = useState<string>()
  return (
    <Dialog title={secret === undefined ? 'Create key' : 'Key created'} onClose={onClose}>
      {secret === undefined ? (
        <CreateForm onCreated={setSecret} onClose={onClose} />
      ) : (
        <DialogResult onClose={onClose}>
          <CopyLine label="Copy the key" text={secret} />
        </DialogResult>
      )}
    </Dialog>
  )
}

/** The option for all clusters. */
const everywhere = '*'

function CreateForm({ onCreated, onClose }: { onCreated: (secret: string) => void; onClose: () => void }) {
  const clusters = useQuery(clustersQuery)
  const create = useCreateApiKey()
  const [name, setName] = useState('')
  const [kind, setKind] = useState<KeyKind>('app')
  const [clusterId, setClusterId] = useState(everywhere)
  const isValid = /^\w{1,128}$/.test(name)
  const submit = () =>
    create.mutate(
      {
        name,
        access_grants: [
          {
            principal_kind: kind,
            // The server rejects grants of agents for anything but clusters.
            resource_kind: clusterId === everywhere && kind !== 'agent' ? '*' : 'virtual_cluster',
            resource_id: clusterId,
          },
        ],
      },
      { onSuccess: created => onCreated(created.key) },
    )
  return (
    <DialogForm submit="Create key" work={create} disabled={!isValid} onCancel={onClose} onSubmit={submit}>
      <Field
        autoFocus
        label="Name"
        placeholder="terraform"
        value={name}
        hint="Shown with the prefix akn_."
        error={name === '' || isValid ? undefined : '1 to 128 letters, digits and underscores.'}
        onChange={event => setName(event.target.value)}
      />
      <LabelledSelect
        label="For"
        value={kind}
        options={kinds.map(one => ({ value: one.kind, label: one.label }))}
        onChange={setKind}
      />
      <LabelledSelect
        label="Cluster"
        value={clusterId}
        options={[
          { value: everywhere, label: 'All clusters' },
          ...(clusters.data ?? []).map(one => ({ value: one.id, label: one.name })),
        ]}
        onChange={setClusterId}
      />
    </DialogForm>
  )
}
