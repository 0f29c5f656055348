import { useEffect, useEffectEvent, useRef } from 'react'
import { DiffView } from '../../editor/DiffView.tsx'
import { Button } from '../../ui/Button.tsx'
import { Select } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import type { Comparable } from './comparison.ts'

interface CompareViewProps {
  readonly left: Comparable
  readonly right: Comparable
  readonly choices: readonly Comparable[]
  readonly dark: boolean
  /** Deploys the right version; undefined if it is a draft, or already deployed. */
  readonly onDeploy: (() => void) | undefined
  readonly isDeploying: boolean
  readonly onChange: (left: string, right: string) => void
  readonly onClose: () => void
}

/** The differences between two versions, or between a version and the draft. Escape closes it. */
export function CompareView({
  left,
  right,
  choices,
  dark,
  onDeploy,
  isDeploying,
  onChange,
  onClose,
}: CompareViewProps) {
  const section = useRef<HTMLElement>(null)
  useEscape(onClose)
  useEffect(() => {
    const before = document.activeElement
    section.current?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])

  const options = choices.map(choice => ({ value: choice.key, label: choice.label }))
  return (
    <section ref={section} tabIndex={-1} aria-label="Comparison" className="flex h-full min-h-0 flex-col outline-none">
      <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-2 border-b border-line px-3 py-1.5">
        <Select
          label="Left"
          className="w-32 sm:w-40"
          value={left.key}
          options={options}
          onChange={event => onChange(event.target.value, right.key)}
        />
        <Icon name="arrowRight" size={14} className="text-faint" />
        <Select
          label="Right"
          className="w-32 sm:w-40"
          value={right.key}
          options={options}
          onChange={event => onChange(left.key, event.target.value)}
        />
        {left.text === right.text && <span className="text-xs text-muted">No differences</span>}
        <div className="ml-auto flex items-center gap-2">
          <Button size="small" icon="close" title="Close the comparison (Esc)" onClick={onClose}>
            Close
          </Button>
          {onDeploy !== undefined && (
            <Button size="small" variant="primary" icon="deploy" busy={isDeploying} onClick={onDeploy}>
              Deploy {right.label}
            </Button>
          )}
        </div>
      </div>
      <div className="min-h-0 flex-1">
        <DiffView left={left.text} right={right.text} dark={dark} />
      </div>
    </section>
  )
}

function useEscape(onEscape: () => void): void {
  const act = useEffectEvent(onEscape)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isElsewhere = event.defaultPrevented || document.querySelector('[role=dialog], [role=menu]') !== null
      if (event.key === 'Escape' && !isElsewhere) act()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}
