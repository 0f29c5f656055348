import { DiffView } from '../../editor/DiffView.tsx'
import { Button } from '../../ui/Button.tsx'
import { Select } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import type { Comparable } from './comparison.ts'

/** Any two versions, or a version and the draft, side by side. */
export function CompareView({
  left,
  right,
  choices,
  dark,
  onChange,
  onClose,
}: {
  left: Comparable
  right: Comparable
  choices: readonly Comparable[]
  dark: boolean
  onChange: (left: string, right: string) => void
  onClose: () => void
}) {
  const options = choices.map(choice => ({ value: choice.key, label: choice.label }))
  return (
    <section aria-label="Comparison" className="flex h-full min-h-0 flex-col">
      <div className="flex h-12 shrink-0 items-center gap-2 border-b border-line px-3">
        <Select
          label="Left"
          className="w-48"
          value={left.key}
          options={options}
          onChange={event => onChange(event.target.value, right.key)}
        />
        <Icon name="arrowRight" size={14} className="text-faint" />
        <Select
          label="Right"
          className="w-48"
          value={right.key}
          options={options}
          onChange={event => onChange(left.key, event.target.value)}
        />
        {left.text === right.text && <span className="text-xs text-muted">The two are the same.</span>}
        <Button className="ml-auto" size="small" icon="close" onClick={onClose}>
          Close comparison
        </Button>
      </div>
      <div className="min-h-0 flex-1">
        <DiffView left={left.text} right={right.text} dark={dark} />
      </div>
    </section>
  )
}
