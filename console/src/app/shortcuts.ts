import { useEffect, useEffectEvent } from 'react'

interface Shortcuts {
  readonly palette: () => void
  readonly help: () => void
  /** The letter pressed after `g`. */
  readonly go: (key: string) => void
}

/** How long a `g` waits for its letter, in milliseconds. */
const sequenceMs = 1200

/** The keys that work on every page. Letters are left alone while something is being typed. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const act = useEffectEvent((name: keyof Shortcuts, key: string) => shortcuts[name](key))

  useEffect(() => {
    let goUntil = 0
    const onKey = (event: KeyboardEvent) => {
      const commanded = event.metaKey || event.ctrlKey
      if (commanded && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        act('palette', event.key)
        return
      }
      if (commanded || event.altKey || isTyping(event.target) || document.querySelector('[role=dialog]') !== null)
        return
      if (performance.now() < goUntil) {
        goUntil = 0
        act('go', event.key)
      } else if (event.key === 'g') goUntil = performance.now() + sequenceMs
      else if (event.key === '?') act('help', event.key)
      else if (event.key === '/') focusFilter(event)
      else if (event.key === 'n') document.querySelector<HTMLElement>('[data-create]')?.click()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable=true]') !== null
}

function focusFilter(event: KeyboardEvent): void {
  const filter = document.querySelector<HTMLInputElement>('input[data-filter]')
  if (filter === null) return
  event.preventDefault()
  filter.focus()
  filter.select()
}
