import { ToggleGroup } from 'radix-ui'
import { classNames } from './class-names.ts'

/** A choice of one among a few visible options. */
export function Segmented<Value extends string>({
  label,
  value,
  options,
  onChange,
  small = false,
}: {
  label: string
  value: Value
  options: readonly { readonly value: Value; readonly label: string }[]
  onChange: (value: Value) => void
  small?: boolean
}) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={next => {
        const chosen = options.find(option => option.value === next)
        // Radix reports an empty string when the selected option is pressed again; here it stays selected.
        if (chosen !== undefined) onChange(chosen.value)
      }}
      className={classNames(
        'inline-flex items-center gap-0.5 rounded-md border border-line bg-sunken p-0.5',
        small ? 'h-7' : 'h-8',
      )}
    >
      {options.map(option => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          className="h-full rounded-sm px-2.5 text-xs font-medium text-muted transition-colors hover:text-ink data-[state=on]:bg-raised data-[state=on]:text-ink data-[state=on]:shadow-1"
        >
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}
