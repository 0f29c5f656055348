/** Whether the keyboard has a Command key. */
const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** The modifier key for commands. */
export const commandKey = isMac ? '⌘' : 'Ctrl'

export function Kbd({ keys }: { keys: readonly string[] }) {
  return (
    <span className="inline-flex shrink-0 items-center gap-0.5">
      {keys.map(key => (
        <kbd
          key={key}
          className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded border border-line bg-sunken px-1 font-sans text-[0.6875rem] font-medium text-faint"
        >
          {key}
        </kbd>
      ))}
    </span>
  )
}
