import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useUpdateTags } from '../../api/changes.ts'
import { useCluster } from '../../app/cluster.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, CardHeader } from '../../ui/Card.tsx'
import { Dialog, DialogForm } from '../../ui/Dialog.tsx'
import { Fact, Facts } from '../../ui/Facts.tsx'
import { type Pair, PairFields } from '../../ui/PairFields.tsx'
import { useToast } from '../../ui/Toasts.tsx'

/** The tags of the cluster, which have a meaning only to its owners. */
export function Tags() {
  const { queries } = useCluster()
  const tags = useQuery(queries.tags)
  const [editing, setEditing] = useState(false)
  if (tags.data === undefined) return null
  const entries = Object.entries(tags.data)
  return (
    <Card>
      <CardHeader title="Tags">
        <Button size="small" icon="edit" onClick={() => setEditing(true)}>
          Edit tags
        </Button>
      </CardHeader>
      {entries.length === 0 ? (
        <p className="px-4 py-4 text-sm text-muted">No tags.</p>
      ) : (
        <Facts>
          {entries.map(([name, value]) => (
            <Fact key={name} label={name}>
              {value}
            </Fact>
          ))}
        </Facts>
      )}
      {editing && <TagsDialog tags={tags.data} onClose={() => setEditing(false)} />}
    </Card>
  )
}

interface TagsDialogProps {
  readonly tags: Readonly<Record<string, string>>
  readonly onClose: () => void
}

function TagsDialog(props: TagsDialogProps) {
  return (
    <Dialog title="Edit tags" onClose={props.onClose}>
      <TagsForm {...props} />
    </Dialog>
  )
}

function TagsForm({ tags, onClose }: TagsDialogProps) {
  const { clusterId } = useCluster()
  const toast = useToast()
  const update = useUpdateTags(clusterId)
  const [pairs, setPairs] = useState<readonly Pair[]>(() =>
    Object.entries(tags).map(([key, value], id) => ({ id, key, value })),
  )
  const names = pairs.map(pair => pair.key.trim()).filter(name => name !== '')
  const hasTwins = new Set(names).size < names.length
  return (
    <DialogForm
      submit="Save"
      work={update}
      disabled={hasTwins}
      problem={hasTwins ? 'Two tags have the same name.' : undefined}
      onCancel={onClose}
      onSubmit={() =>
        update.mutate(
          Object.fromEntries(pairs.filter(pair => pair.key.trim() !== '').map(pair => [pair.key.trim(), pair.value])),
          {
            onSuccess: () => {
              toast({ tone: 'ok', title: 'Tags saved' })
              onClose()
            },
          },
        )
      }
    >
      <PairFields title="Tags" what="tag" pairs={pairs} onChange={setPairs} />
    </DialogForm>
  )
}
