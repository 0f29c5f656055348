import { Button } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { commandKey } from '../../ui/Kbd.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { Pill } from '../../ui/Pill.tsx'
import { examples } from './examples.ts'

interface EditorToolbarProps {
  /** The open version; undefined before the first save. */
  readonly version: number | undefined
  readonly isDeployed: boolean
  readonly isDirty: boolean
  readonly isBlank: boolean
  /** The number of the next saved version. */
  readonly nextVersion: number
  readonly canCompare: boolean
  readonly canDeploy: boolean
  readonly isSaving: boolean
  readonly isDeploying: boolean
  readonly onExample: (text: string) => void
  readonly onMoreExamples: () => void
  readonly onCompare: () => void
  readonly onDiscard: () => void
  readonly onSave: () => void
  readonly onDeploy: () => void
}

/** The open document and its actions. The primary button is the next step: save, then deploy. */
export function EditorToolbar(props: EditorToolbarProps) {
  const { version, isDirty, isBlank, nextVersion, canDeploy } = props
  const isDraft = isDirty || version === undefined
  return (
    <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-2 gap-y-1.5 border-b border-line px-3 py-1.5">
      <h2 className="mr-auto flex items-center gap-2 pl-1 text-sm font-semibold">
        {isDraft ? 'Draft' : `Version ${version}`}
        {!isDraft && props.isDeployed && <Pill tone="accent">Deployed</Pill>}
        {isDirty && <Pill tone="warn">Not saved</Pill>}
      </h2>
      <div className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
        <span className={classNames(isDirty && 'max-sm:hidden')}>
          <Menu
            trigger={
              <Button size="small" variant="ghost" icon="book">
                Examples
              </Button>
            }
            items={[
              ...examples.map(({ name, note, text }) => ({
                label: name,
                note,
                onSelect: () => props.onExample(text),
              })),
              { label: 'More examples…', onSelect: props.onMoreExamples },
            ]}
          />
        </span>
        {isDirty && (
          <Button size="small" variant="ghost" icon="reset" title="Undo all changes" onClick={props.onDiscard}>
            Discard
          </Button>
        )}
        {props.canCompare && (
          <Button size="small" variant="ghost" icon="compare" onClick={props.onCompare}>
            Compare
          </Button>
        )}
        <Button
          size="small"
          variant={isDraft ? 'primary' : 'secondary'}
          icon="save"
          title={`Save as Version ${nextVersion} (${commandKey}+S)`}
          busy={props.isSaving}
          disabled={!isDirty || isBlank}
          onClick={props.onSave}
        >
          Save
        </Button>
        {canDeploy && (
          <Button size="small" variant="primary" icon="deploy" busy={props.isDeploying} onClick={props.onDeploy}>
            Deploy
          </Button>
        )}
      </div>
    </div>
  )
}
