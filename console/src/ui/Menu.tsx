import { DropdownMenu as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'
import { Icon, type IconName } from './Icon.tsx'

export interface MenuItem {
  readonly label: string
  readonly note?: string | undefined
  readonly icon?: IconName
  readonly danger?: boolean
  readonly disabled?: boolean
  readonly onSelect: () => void
}

/**
 * A button that opens a short list of actions. The list stays in its landmark of the page, and hides nothing from a
 * screen reader.
 */
export function Menu({
  trigger,
  items,
  align = 'end',
}: {
  trigger: ReactNode
  items: readonly MenuItem[]
  align?: 'start' | 'end'
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Content
        align={align}
        sideOffset={6}
        className="z-50 max-h-[70vh] min-w-44 animate-rise overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-2"
      >
        {items.map(item => (
          <Radix.Item
            key={item.label}
            disabled={item.disabled ?? false}
            onSelect={item.onSelect}
            className={classNames(
              'flex cursor-pointer items-start gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none select-none data-disabled:opacity-45 data-highlighted:bg-pressed',
              item.danger === true ? 'text-bad' : 'text-ink',
            )}
          >
            {item.icon !== undefined && <Icon name={item.icon} size={15} className="mt-0.5 text-current opacity-75" />}
            <span>
              {item.label}
              {item.note !== undefined && <span className="block max-w-72 text-xs text-faint">{item.note}</span>}
            </span>
          </Radix.Item>
        ))}
      </Radix.Content>
    </Radix.Root>
  )
}
