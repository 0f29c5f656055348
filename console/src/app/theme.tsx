import {
  createContext,
  type ReactNode,
  useContext,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'

export type ThemeChoice = 'system' | 'light' | 'dark'

interface Theme {
  readonly choice: ThemeChoice
  /** The theme that the choice currently results in. */
  readonly shown: 'light' | 'dark'
  readonly choose: (choice: ThemeChoice) => void
}

/** Shared with `public/theme.js`, which sets the theme before the first paint. */
const storageKey = 'penstock.theme'

const darkSystem = matchMedia('(prefers-color-scheme: dark)')

const ThemeContext = createContext<Theme>({ choice: 'system', shown: 'light', choose: () => undefined })

export function useTheme(): Theme {
  return useContext(ThemeContext)
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState(readChoice)
  const systemIsDark = useSyncExternalStore(subscribeSystem, () => darkSystem.matches)
  const shown = choice === 'system' ? (systemIsDark ? 'dark' : 'light') : choice

  // Effects of children run first, and charts read the tokens from the document in theirs, so this is a layout effect.
  useLayoutEffect(() => {
    document.documentElement.dataset['theme'] = shown
  }, [shown])

  const theme = useMemo<Theme>(
    () => ({
      choice,
      shown,
      choose: next => {
        setChoice(next)
        localStorage.setItem(storageKey, next)
      },
    }),
    [choice, shown],
  )
  return <ThemeContext value={theme}>{children}</ThemeContext>
}

function subscribeSystem(listener: () => void): () => void {
  darkSystem.addEventListener('change', listener)
  return () => darkSystem.removeEventListener('change', listener)
}

function readChoice(): ThemeChoice {
  const stored = localStorage.getItem(storageKey)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}
