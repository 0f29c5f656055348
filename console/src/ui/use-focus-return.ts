import { useState } from 'react'

/**
 * For overlays without their own trigger: returns the focus to the element that had it, if it still exists. Called by a
 * component that is mounted while the overlay is open.
 */
export function useFocusReturn(): (event: Event) => void {
  // Read at the first rendering, before a field inside takes the focus.
  const [opener] = useState(findOpener)
  return event => {
    event.preventDefault()
    if (opener?.isConnected === true) opener.focus()
  }
}

/** The focused element; for an item of a menu, which closes as it is chosen, the button that opened the menu. */
function findOpener(): HTMLElement | null {
  const focused = document.activeElement
  const buttonId = focused?.closest('[role=menu]')?.getAttribute('aria-labelledby')
  const opener = buttonId == null ? focused : document.getElementById(buttonId)
  return opener instanceof HTMLElement ? opener : null
}
