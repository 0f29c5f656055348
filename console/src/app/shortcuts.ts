import { useEffect, useEffectEvent } from 'react'

interface Shortcuts {
  readonly palette: () => void
  readonly help: () => void
  /** Called with the letter pressed after `g`. */
  readonly go: (key: string) => void
}

/** How long a `g` waits for its letter, in milliseconds. */
const sequenceMs = 1200

/** The keys that work on every page. Letters are ignored while the user is typing text. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const act = useEffectEvent((name: keyof Shortcuts, key: string) => shortcuts[name](key))

  useEffect(() => {
    let goUntil = 0
    const single: Readonly<Record<string, () => boolean>> = {
      g: () => {
        goUntil = performance.now() + sequenceMs
        return true
      },
      '?': () => {
        act('help', '?')
        return true
      },
      '/': focusFilter,
      n: openCreateForm,
    }
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
        event.preventDefault()
        act('go', event.key)
        return
      }
      // A key that triggered an action must not also be typed into the field that the action has focused.
      if (single[event.key]?.() === true) event.preventDefault()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable=true]') !== null
}

function openCreateForm(): boolean {
  const button = document.querySelector<HTMLElement>('[data-create]')
  button?.click()
  return button !== null
}

function focusFilter(): boolean {
  const filter = document.querySelector<HTMLInputElement>('input[data-filter]')
  filter?.focus()
  filter?.select()
  return filter !== null
}
