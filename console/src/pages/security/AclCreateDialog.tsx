import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useCreateAcl } from '../../api/changes.ts'
import type { Acl } from '../../api/types.ts'
import { useCluster } from '../../app/cluster.ts'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field, LabelledSelect } from '../../ui/Field.tsx'
import { useToast } from '../../ui/Toasts.tsx'
import { aclSentence, clusterResource, operationLabel, operationsOf } from './acl-words.ts'

/** Allows or denies something on the Kafka port. */
export function AclCreateDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog wide title="Create ACL" onClose={onClose}>
      <AclForm onClose={onClose} />
    </Dialog>
  )
}

type ResourceType = keyof typeof operationsOf

const resourceTypes: readonly { readonly value: ResourceType; readonly label: string }[] = [
  { value: 'TOPIC', label: 'Topic' },
  { value: 'GROUP', label: 'Consumer group' },
  { value: 'CLUSTER', label: 'Cluster' },
  { value: 'TRANSACTIONAL_ID', label: 'Transactional id' },
]

const patternTypes: readonly { readonly value: Acl['pattern_type']; readonly label: string }[] = [
  { value: 'LITERAL', label: 'This name, or * for all' },
  { value: 'PREFIXED', label: 'Names that begin with it' },
]

const permissionTypes: readonly { readonly value: Acl['permission_type']; readonly label: string }[] = [
  { value: 'ALLOW', label: 'Allow' },
  { value: 'DENY', label: 'Deny' },
]

function AclForm({ onClose }: { onClose: () => void }) {
  const { clusterId, queries } = useCluster()
  const toast = useToast()
  const create = useCreateAcl(clusterId)
  const users = useQuery(queries.credentials)
  const usersId = useId()
  const [principal, setPrincipal] = useState('')
  const [permission, setPermission] = useState<Acl['permission_type']>('ALLOW')
  const [type, setType] = useState<ResourceType>('TOPIC')
  const [pattern, setPattern] = useState<Acl['pattern_type']>('LITERAL')
  const [name, setName] = useState('')
  const [chosenOperation, setOperation] = useState<Acl['operation']>('READ')
  const [host, setHost] = useState('*')
  const operations: readonly Acl['operation'][] = operationsOf[type]
  const operation = operations.includes(chosenOperation) ? chosenOperation : 'ALL'
  const isOfCluster = type === 'CLUSTER'
  const acl: Acl = {
    principal: principal.trim(),
    permission_type: permission,
    operation,
    resource_type: type,
    resource_name: isOfCluster ? clusterResource : name.trim(),
    pattern_type: isOfCluster ? 'LITERAL' : pattern,
    host: host.trim(),
  }
  const isPrincipal = /^[^:]+:.+$/.test(acl.principal)
  const isComplete = isPrincipal && acl.resource_name !== '' && acl.host !== ''
  return (
    <DialogForm
      submit="Create ACL"
      work={create}
      disabled={!isComplete}
      onCancel={onClose}
      onSubmit={() =>
        create.mutate(acl, {
          onSuccess: () => {
            toast({ tone: 'ok', title: 'ACL created', text: aclSentence(acl) })
            onClose()
          },
        })
      }
    >
      <Field
        autoFocus
        label="Principal"
        placeholder="User:ccn_orders-service"
        list={usersId}
        value={principal}
        hint="User: followed by the name of a user, a username or the subject of a certificate; User:* for everyone."
        error={principal === '' || isPrincipal ? undefined : 'Must start with User:'}
        onChange={event => setPrincipal(event.target.value)}
      />
      <datalist id={usersId}>
        {(users.data ?? []).map(user => (
          <option key={user.id} value={`User:${user.name}`} />
        ))}
        <option value="User:*" />
      </datalist>
      <div className="grid gap-4 sm:grid-cols-2">
        <LabelledSelect label="Permission" value={permission} options={permissionTypes} onChange={setPermission} />
        <LabelledSelect
          label="Operation"
          value={operation}
          options={operations.map(value => ({ value, label: operationLabel(value) }))}
          onChange={setOperation}
        />
        <LabelledSelect label="Resource" value={type} options={resourceTypes} onChange={setType} />
        {!isOfCluster && (
          <LabelledSelect label="Applies to" value={pattern} options={patternTypes} onChange={setPattern} />
        )}
        {!isOfCluster && (
          <Field
            label="Resource name"
            placeholder={pattern === 'LITERAL' ? 'orders' : 'orders.'}
            value={name}
            onChange={event => setName(event.target.value)}
          />
        )}
        <Field
          label="Host"
          value={host}
          hint="The address of the client, or * for any."
          onChange={event => setHost(event.target.value)}
        />
      </div>
    </DialogForm>
  )
}
