import { Toast as Radix } from 'radix-ui'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { Icon } from './Icon.tsx'

interface Toast {
  readonly id: number
  readonly tone: 'ok' | 'bad'
  readonly title: string
  readonly text?: string
  readonly action?: { readonly label: string; readonly onSelect: () => void }
}

type ShowToast = (toast: Omit<Toast, 'id'>) => void

const ToastContext = createContext<ShowToast>(() => {
  throw new Error('a toast needs a ToastProvider above it')
})

/** Shows a short message in the corner for a few seconds. */
export function useToast(): ShowToast {
  return useContext(ToastContext)
}

let lastToastId = 0

/** More than this many would cover each other. */
const maximumToasts = 4

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const show = useCallback<ShowToast>(toast => {
    lastToastId++
    const id = lastToastId
    setToasts(before => [...before, { ...toast, id }].slice(-maximumToasts))
  }, [])
  const drop = (id: number) => setToasts(before => before.filter(toast => toast.id !== id))

  return (
    <ToastContext value={show}>
      <Radix.Provider swipeDirection="right" duration={5000}>
        {children}
        {toasts.map(toast => (
          <Radix.Root
            key={toast.id}
            duration={toast.tone === 'bad' ? 9000 : 5000}
            onOpenChange={open => open || drop(toast.id)}
            className="flex animate-slide items-start gap-3 rounded-lg border border-line bg-raised py-3 pr-3 pl-3.5 shadow-2"
          >
            <Icon
              name={toast.tone === 'ok' ? 'check' : 'error'}
              className={toast.tone === 'ok' ? 'mt-0.5 text-ok' : 'mt-0.5 text-bad'}
            />
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-sm font-medium">{toast.title}</Radix.Title>
              {toast.text !== undefined && (
                <Radix.Description className="mt-0.5 text-xs break-words text-muted">{toast.text}</Radix.Description>
              )}
            </div>
            {toast.action !== undefined && (
              <Radix.Action
                altText={toast.action.label}
                onClick={toast.action.onSelect}
                className="rounded px-1.5 text-sm font-medium text-accent-text hover:bg-accent-soft"
              >
                {toast.action.label}
              </Radix.Action>
            )}
            <Radix.Close aria-label="Dismiss" className="rounded p-0.5 text-faint hover:text-ink">
              <Icon name="close" size={14} />
            </Radix.Close>
          </Radix.Root>
        ))}
        <Radix.Viewport
          hotkey={['altKey', 'KeyN']}
          className="fixed right-4 bottom-4 z-60 flex w-88 max-w-[calc(100vw-2rem)] flex-col gap-2 outline-none"
        />
      </Radix.Provider>
    </ToastContext>
  )
}
