import { Button, IconButton } from './Button.tsx'
import { Field } from './Field.tsx'

/** A name and its value in a form, with an id, because both may be empty or equal to another's. */
export interface Pair {
  readonly id: number
  readonly key: string
  readonly value: string
}

/** Any number of names with values. */
export function PairFields({
  title,
  what,
  pairs,
  onChange,
}: {
  title: string
  /** What one pair is called: `header`. */
  what: string
  pairs: readonly Pair[]
  onChange: (pairs: readonly Pair[]) => void
}) {
  const change = (changed: Pair) => onChange(pairs.map(pair => (pair.id === changed.id ? changed : pair)))
  return (
    <div>
      <h3 className="mb-1.5 text-sm font-medium">{title}</h3>
      {pairs.map((pair, at) => (
        <div key={pair.id} className="mb-2 flex items-center gap-2">
          <Field
            hideLabel
            label={`Name of ${what} ${at + 1}`}
            placeholder="Name"
            className="flex-1"
            value={pair.key}
            onChange={event => change({ ...pair, key: event.target.value })}
          />
          <Field
            hideLabel
            label={`Value of ${what} ${at + 1}`}
            placeholder="Value"
            className="flex-1"
            value={pair.value}
            onChange={event => change({ ...pair, value: event.target.value })}
          />
          <IconButton
            icon="trash"
            label={`Remove ${what} ${at + 1}`}
            onClick={() => onChange(pairs.filter(one => one.id !== pair.id))}
          />
        </div>
      ))}
      <Button
        size="small"
        icon="plus"
        onClick={() => onChange([...pairs, { id: (pairs.at(-1)?.id ?? 0) + 1, key: '', value: '' }])}
      >
        Add {what}
      </Button>
    </div>
  )
}
