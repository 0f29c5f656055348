import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react'
import { classNames } from './class-names.ts'
import { Icon } from './Icon.tsx'

const inputClass =
  'h-8 w-full min-w-0 rounded-md border border-line-strong bg-surface px-2.5 text-sm text-ink shadow-1 transition-colors hover:border-faint focus-visible:border-accent focus-visible:outline-offset-0 disabled:opacity-50 aria-invalid:border-bad'

const labelClass = 'mb-1.5 block text-sm font-medium'

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: ReactNode
  readonly hint?: ReactNode
  readonly error?: string | undefined
  /** Hides a label that is clear from the context; screen readers still announce it. */
  readonly hideLabel?: boolean
}

/** A text field with its label, a hint, and its error. */
export function Field({ label, hint, error, hideLabel = false, className, ...rest }: FieldProps) {
  const id = useId()
  const noteId = `${id}-note`
  const note = error ?? hint
  return (
    <div className={className}>
      <label htmlFor={id} className={hideLabel ? 'sr-only' : labelClass}>
        {label}
      </label>
      <input
        id={id}
        autoComplete="off"
        spellCheck={false}
        {...rest}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={note === undefined ? undefined : noteId}
        className={inputClass}
      />
      {note !== undefined && (
        <p id={noteId} className={classNames('mt-1.5 text-xs', error === undefined ? 'text-faint' : 'text-bad')}>
          {note}
        </p>
      )}
    </div>
  )
}

interface TextAreaProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  readonly label: string
  readonly error?: string | undefined
}

/** A multi-line monospaced text field with its label and its error. */
export function TextArea({ label, error, className, ...rest }: TextAreaProps) {
  const id = useId()
  const noteId = `${id}-note`
  return (
    <div className={className}>
      <label htmlFor={id} className={labelClass}>
        {label}
      </label>
      <textarea
        id={id}
        autoComplete="off"
        spellCheck={false}
        {...rest}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={error === undefined ? undefined : noteId}
        className={classNames(inputClass, 'h-auto py-2 font-mono text-xs leading-5')}
      />
      {error !== undefined && (
        <p id={noteId} className="mt-1.5 text-xs text-bad">
          {error}
        </p>
      )}
    </div>
  )
}

interface SearchFieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string
}

/** A filter without a visible label; `/` focuses it. */
export function SearchField({ label, className, ...rest }: SearchFieldProps) {
  return (
    <div className={classNames('relative', className)}>
      <Icon
        name="search"
        size={14}
        className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-faint"
      />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        data-filter=""
        {...rest}
        className={classNames(inputClass, 'pl-8 [&::-webkit-search-cancel-button]:hidden')}
      />
    </div>
  )
}

interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  readonly label: string
  readonly options: readonly { readonly value: string; readonly label: string }[]
}

/** A selection in the platform's own list, which works with every keyboard and screen reader. */
export function Select({ label, options, className, ...rest }: SelectProps) {
  return (
    <div className={classNames('relative', className)}>
      <select aria-label={label} {...rest} className={classNames(inputClass, 'appearance-none pr-8')}>
        {options.map(option => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <Icon
        name="chevronDown"
        size={13}
        className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 text-faint"
      />
    </div>
  )
}

/** A select with its label above it. */
export function LabelledSelect<Value extends string>({
  label,
  value,
  options,
  hint,
  onChange,
}: {
  label: string
  value: Value
  options: readonly { readonly value: Value; readonly label: string }[]
  hint?: string
  onChange: (value: Value) => void
}) {
  return (
    <div>
      <span aria-hidden="true" className={labelClass}>
        {label}
      </span>
      <Select
        label={label}
        value={value}
        options={options}
        onChange={event => {
          const chosen = options.find(option => option.value === event.target.value)
          if (chosen !== undefined) onChange(chosen.value)
        }}
      />
      {hint !== undefined && <p className="mt-1.5 text-xs text-faint">{hint}</p>}
    </div>
  )
}
