import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

export type Tone = 'ok' | 'warn' | 'bad' | 'accent' | 'neutral'

const tones: Record<Tone, string> = {
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  accent: 'bg-accent-soft text-accent-text',
  neutral: 'bg-hover text-muted',
}

/** A state in one word, with a dot that is animated while something is in progress. */
export function Pill({
  tone,
  children,
  dot = false,
  moving = false,
  title,
}: {
  tone: Tone
  children: ReactNode
  dot?: boolean
  moving?: boolean
  title?: string | undefined
}) {
  return (
    <span
      title={title}
      className={classNames(
        'inline-flex h-5 shrink-0 items-center gap-1.5 rounded-full px-2 text-xs font-medium whitespace-nowrap',
        tones[tone],
      )}
    >
      {dot && <Dot tone={tone} moving={moving} />}
      {children}
    </span>
  )
}

const dots: Record<Tone, string> = {
  ok: 'bg-ok',
  warn: 'bg-warn',
  bad: 'bg-bad',
  accent: 'bg-accent',
  neutral: 'bg-faint',
}

export function Dot({ tone, moving = false }: { tone: Tone; moving?: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={classNames('size-1.5 shrink-0 rounded-full', dots[tone], moving && 'animate-breathe')}
    />
  )
}
