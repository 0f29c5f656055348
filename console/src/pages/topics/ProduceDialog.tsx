import { useState } from 'react'
import { errorText } from '../../api/client.ts'
import { useProduceMessage } from '../../api/changes.ts'
import { useCluster } from '../../app/cluster.ts'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Field, LabelledSelect, TextArea } from '../../ui/Field.tsx'
import { type Pair, PairFields } from '../../ui/PairFields.tsx'
import { useToast } from '../../ui/Toasts.tsx'

interface ProduceDialogProps {
  readonly topicName: string
  readonly partitionCount: number
  readonly onClose: () => void
}

/** Writes one message to a topic. */
export function ProduceDialog(props: ProduceDialogProps) {
  return (
    <Dialog wide title="Produce a message" description={`To ${props.topicName}`} onClose={props.onClose}>
      <ProduceForm {...props} />
    </Dialog>
  )
}

type Form = 'text' | 'json' | 'base64' | 'null'

const forms: readonly { readonly value: Form; readonly label: string }[] = [
  { value: 'text', label: 'Text' },
  { value: 'json', label: 'JSON' },
  { value: 'base64', label: 'Base64' },
  { value: 'null', label: 'No value (tombstone)' },
]

function ProduceForm({ topicName, partitionCount, onClose }: ProduceDialogProps) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const produce = useProduceMessage(clusterId, topicName)
  const [partition, setPartition] = useState('')
  const [key, setKey] = useState('')
  const [form, setForm] = useState<Form>('text')
  const [value, setValue] = useState('')
  const [headers, setHeaders] = useState<readonly Pair[]>([])
  const valueError = form === 'null' ? undefined : problemOf(form, value)

  const submit = () =>
    produce.mutate(
      {
        ...(partition === '' ? {} : { partition: Number(partition) }),
        key: key === '' ? null : { encoding: 'utf8', data: key },
        value: form === 'null' ? null : { encoding: form === 'base64' ? 'base64' : 'utf8', data: value },
        headers: headers
          .filter(header => header.key !== '')
          .map(header => ({ key: header.key, value: { encoding: 'utf8', data: header.value } })),
      },
      {
        onSuccess: ({ partition: written, offset }) => {
          toast({ tone: 'ok', title: 'Message written', text: `Partition ${written}, offset ${offset}.` })
          onClose()
        },
      },
    )

  return (
    <DialogForm
      submit="Produce"
      work={produce}
      disabled={valueError !== undefined}
      onCancel={onClose}
      onSubmit={submit}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          autoFocus
          label="Key"
          placeholder="None"
          value={key}
          hint="Messages with the same key go to the same partition."
          onChange={event => setKey(event.target.value)}
        />
        <LabelledSelect
          label="Partition"
          value={partition}
          options={[
            { value: '', label: 'Chosen by the key' },
            ...Array.from({ length: partitionCount }, (_, at) => ({ value: String(at), label: `Partition ${at}` })),
          ]}
          onChange={setPartition}
        />
      </div>
      <LabelledSelect label="Value is" value={form} options={forms} onChange={setForm} />
      {form !== 'null' && (
        <TextArea
          label="Value"
          rows={8}
          placeholder={form === 'json' ? '{"id": 1}' : ''}
          value={value}
          error={value === '' ? undefined : valueError}
          onChange={event => setValue(event.target.value)}
        />
      )}
      <PairFields title="Headers" what="header" pairs={headers} onChange={setHeaders} />
    </DialogForm>
  )
}

/** Why a text is not valid in the selected form. */
function problemOf(form: Exclude<Form, 'null'>, text: string): string | undefined {
  switch (form) {
    case 'text':
      return undefined
    case 'json':
      return jsonProblem(text)
    case 'base64':
      return base64Problem(text)
  }
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return errorText(error)
  }
}

function base64Problem(text: string): string | undefined {
  try {
    return btoa(atob(text)) === text ? undefined : 'This is not base64 with padding.'
  } catch (_notBase64) {
    return 'This is not base64.'
  }
}
