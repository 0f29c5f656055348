import { Switch as Radix } from 'radix-ui'

/** A switch that takes effect immediately. */
export function Toggle({
  label,
  checked,
  onChange,
  disabled = false,
}: {
  label: string
  checked: boolean
  onChange: (checked: boolean) => void
  disabled?: boolean
}) {
  return (
    <Radix.Root
      aria-label={label}
      title={label}
      checked={checked}
      disabled={disabled}
      onCheckedChange={onChange}
      className="inline-flex h-5 w-9 shrink-0 items-center rounded-full bg-line-strong p-0.5 transition-colors disabled:opacity-45 data-[state=checked]:bg-accent"
    >
      <Radix.Thumb className="size-4 rounded-full bg-white shadow-1 transition-transform duration-150 data-[state=checked]:translate-x-4" />
    </Radix.Root>
  )
}
