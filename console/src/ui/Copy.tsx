import { useEffect, useState } from 'react'
import { classNames } from './class-names.ts'
import { Icon } from './Icon.tsx'

/** Copies a text to the clipboard and briefly confirms it. */
export function CopyButton({
  text,
  label,
  className,
}: {
  /** The text, or a function that creates it on demand. */
  text: string | (() => string)
  label: string
  className?: string
}) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), 1600)
    return () => clearTimeout(timer)
  }, [copied])

  const copy = () => {
    navigator.clipboard.writeText(typeof text === 'string' ? text : text()).then(
      () => setCopied(true),
      // The browser may refuse; the text can still be selected by hand.
      () => setCopied(false),
    )
  }
  return (
    <button
      type="button"
      onClick={copy}
      title={label}
      aria-label={copied ? 'Copied' : label}
      className={classNames(
        'inline-flex size-6 shrink-0 items-center justify-center rounded text-faint transition-colors hover:bg-hover hover:text-ink',
        className,
      )}
    >
      <Icon name={copied ? 'check' : 'copy'} size={14} className={copied ? 'text-ok' : ''} />
    </button>
  )
}

/** One line to copy. */
export function CopyLine({ label, text }: { label: string; text: string }) {
  return (
    <div className="flex h-8 items-center gap-1 rounded-md border border-line bg-sunken pr-1 pl-3">
      <code className="min-w-0 flex-1 truncate text-xs" title={text}>
        {text}
      </code>
      <CopyButton text={text} label={label} />
    </div>
  )
}

/** Several lines to copy. */
export function CodeBlock({ label, text }: { label: string; text: string }) {
  return (
    <div className="relative rounded-md border border-line bg-sunken">
      <pre className="py-2.5 pr-10 pl-3 text-xs leading-5 break-all whitespace-pre-wrap">{text}</pre>
      <CopyButton text={text} label={label} className="absolute top-1.5 right-1.5" />
    </div>
  )
}
