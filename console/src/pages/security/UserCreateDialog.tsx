import { useState } from 'react'
import { useCreateCredentials } from '../../api/changes.ts'
import type { ApiResponse } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { CopyLine } from '../../ui/Copy.tsx'
import { Dialog, DialogForm, DialogResult } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { Notice } from '../../ui/States.tsx'
import { Toggle } from '../../ui/Toggle.tsx'

/** Creates a user of the Kafka port, then shows its password, which cannot be read again. */
export function UserCreateDialog({ onClose }: { onClose: () => void }) {
  const [created, setCreated] = useState<ApiResponse<'create_virtual_cluster_credentials'>>()
  if (created === undefined) {
    return (
      <Dialog title="Create user" description="For clients of the Kafka port." onClose={onClose}>
        <CreateForm onCreated={setCreated} onClose={onClose} />
      </Dialog>
    )
  }
  return (
    <Dialog title="User created" onClose={onClose}>
      <DialogResult onClose={onClose}>
        <Notice tone="warn">Copy the password now: it is not stored and cannot be shown again.</Notice>
        {(['username', 'password'] as const).map(what => (
          <div key={what}>
            <h3 className="mb-1.5 text-sm font-medium capitalize">{what}</h3>
            <CopyLine label={`Copy the ${what}`} text={created[what]} />
          </div>
        ))}
      </DialogResult>
    </Dialog>
  )
}

function CreateForm({
  onCreated,
  onClose,
}: {
  onCreated: (created: ApiResponse<'create_virtual_cluster_credentials'>) => void
  onClose: () => void
}) {
  const { clusterId } = useCluster()
  const create = useCreateCredentials(clusterId)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [isSuperuser, setSuperuser] = useState(false)
  const isValid = /^[\w-]{1,128}$/.test(name)
  return (
    <DialogForm
      submit="Create user"
      work={create}
      disabled={!isValid}
      onCancel={onClose}
      onSubmit={() => create.mutate({ name, isSuperuser, password }, { onSuccess: onCreated })}
    >
      <Field
        autoFocus
        label="Name"
        placeholder="orders-service"
        value={name}
        hint="Shown with the prefix ccn_; the username is generated."
        error={name === '' || isValid ? undefined : '1 to 128 letters, digits, underscores and dashes.'}
        onChange={event => setName(event.target.value)}
      />
      <Field
        type="password"
        autoComplete="new-password"
        label="Password"
        placeholder="Generated"
        value={password}
        onChange={event => setPassword(event.target.value)}
      />
      <div className="flex items-center justify-between gap-4">
        <div aria-hidden="true">
          <span className="text-sm font-medium">Superuser</span>
          <p className="text-xs text-muted">May do everything, whatever the ACLs say.</p>
        </div>
        <Toggle label="Superuser" checked={isSuperuser} onChange={setSuperuser} />
      </div>
    </DialogForm>
  )
}
