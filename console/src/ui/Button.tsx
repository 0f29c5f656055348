import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { classNames } from './class-names.ts'
import { Icon, type IconName } from './Icon.tsx'

type Variant = 'primary' | 'secondary' | 'ghost' | 'danger'
type Size = 'small' | 'medium'

const variants: Record<Variant, string> = {
  primary: 'bg-accent text-accent-ink shadow-1 hover:bg-accent-hover',
  secondary: 'border border-line-strong bg-surface text-ink shadow-1 hover:bg-hover',
  ghost: 'text-muted hover:bg-hover hover:text-ink',
  danger: 'bg-bad text-page shadow-1 hover:bg-bad-hover',
}

const sizes: Record<Size, string> = {
  small: 'h-7 gap-1.5 px-2.5 text-xs',
  medium: 'h-8 gap-2 px-3 text-sm',
}

/** The classes of a button, for a link that looks like one. */
export function buttonClass(variant: Variant = 'secondary', size: Size = 'medium'): string {
  return classNames(
    'inline-flex shrink-0 select-none items-center justify-center rounded-md font-medium whitespace-nowrap',
    'transition-colors duration-100 disabled:pointer-events-none disabled:opacity-45',
    variants[variant],
    sizes[size],
  )
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly variant?: Variant
  readonly size?: Size
  readonly icon?: IconName
  /** Keeps its width and shows that work is in progress. */
  readonly busy?: boolean
  readonly children: ReactNode
}

export function Button({ variant, size, icon, busy = false, children, className, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      className={classNames(buttonClass(variant, size), className)}
    >
      {icon !== undefined && <Icon name={icon} size={size === 'small' ? 14 : 15} />}
      <span className={classNames(busy && 'animate-breathe')}>{children}</span>
    </button>
  )
}

/** The button of a list that opens the form for a new item; `n` presses it. */
export function CreateButton({ children, onClick }: { children: ReactNode; onClick: () => void }) {
  return (
    <Button variant="primary" icon="plus" data-create="" onClick={onClick}>
      {children}
    </Button>
  )
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon: IconName
  /** Its action, for the tooltip and for screen readers. */
  readonly label: string
}

export function IconButton({ icon, label, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={classNames(
        'inline-flex size-7 shrink-0 items-center justify-center rounded-md text-muted transition-colors',
        'hover:bg-hover hover:text-ink disabled:pointer-events-none disabled:opacity-45',
        className,
      )}
    >
      <Icon name={icon} />
    </button>
  )
}
