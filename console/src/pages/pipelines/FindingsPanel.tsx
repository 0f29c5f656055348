import type { Finding } from '../../api/types.ts'
import { classNames } from '../../ui/class-names.ts'
import { formatPlural } from '../../ui/format.ts'
import { Icon } from '../../ui/Icon.tsx'

interface FindingsPanelProps {
  /** Undefined until the text was checked. */
  readonly findings: readonly Finding[] | undefined
  /** Whether saving this text was rejected. */
  readonly refused: boolean
  readonly isChecking: boolean
  /** Why the text could not be checked at all. */
  readonly failure: string | undefined
  readonly isBlank: boolean
  readonly onJump: (line: number, column: number) => void
}

/** The findings for the text, one per line; a click jumps to the position. */
export function FindingsPanel({ findings: known, refused, isChecking, failure, isBlank, onJump }: FindingsPanelProps) {
  const findings = known ?? []
  const errors = findings.filter(finding => finding.level === 'error').length
  const warnings = findings.length - errors
  return (
    <section aria-label="Findings" className="shrink-0 border-t border-line bg-sunken">
      <div
        role={refused ? 'alert' : 'status'}
        className={classNames(
          'flex h-9 items-center gap-2.5 px-4 text-xs',
          refused && errors > 0 ? 'text-bad' : 'text-muted',
        )}
      >
        <Summary
          errors={errors}
          warnings={warnings}
          refused={refused}
          isBlank={isBlank}
          failure={failure}
          isKnown={known !== undefined}
        />
        {isChecking && <span className="ml-auto text-faint">Checking…</span>}
      </div>
      {findings.length > 0 && (
        <ol className="max-h-40 overflow-y-auto border-t border-line py-1">
          {findings.map(finding => (
            <li key={`${finding.line}:${finding.column}:${finding.message}`}>
              <button
                type="button"
                onClick={() => onJump(finding.line, finding.column)}
                className="flex w-full items-start gap-3 px-4 py-1 text-left text-xs hover:bg-hover focus-visible:-outline-offset-2"
              >
                <Icon
                  name={finding.level === 'error' ? 'error' : 'warning'}
                  size={14}
                  className={finding.level === 'error' ? 'mt-0.5 text-bad' : 'mt-0.5 text-warn'}
                />
                <span className="figures w-36 shrink-0 whitespace-nowrap text-faint">
                  Line {finding.line}, column {finding.column}
                </span>
                <span className="min-w-0 break-words text-ink">
                  {finding.message}
                  {finding.hint !== undefined && <span className="text-muted"> {finding.hint}</span>}
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function Summary({
  errors,
  warnings,
  refused,
  isBlank,
  failure,
  isKnown,
}: {
  errors: number
  warnings: number
  refused: boolean
  isBlank: boolean
  failure: string | undefined
  isKnown: boolean
}) {
  if (failure !== undefined) {
    return (
      <>
        <Icon name="warning" size={14} className="text-warn" /> Cannot check the text: {failure}
      </>
    )
  }
  if (errors > 0) {
    return (
      <>
        <Icon name="error" size={14} className="text-bad" />
        <span>
          {refused && <strong className="font-semibold">Not saved. </strong>}
          {formatPlural(errors, 'error')}
          {warnings > 0 && `, ${formatPlural(warnings, 'warning')}`}
          {refused && '. Nothing was changed.'}
        </span>
      </>
    )
  }
  if (warnings > 0) {
    return (
      <>
        <Icon name="warning" size={14} className="text-warn" /> {formatPlural(warnings, 'warning')}
      </>
    )
  }
  if (!isKnown) return <>Not checked yet</>
  if (isBlank) return <>Write a configuration, or start from an example.</>
  return (
    <>
      <Icon name="check" size={14} className="text-ok" /> No findings
    </>
  )
}
