import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createQueryClient } from '../api/queries.ts'
import { ToastProvider } from '../ui/Toasts.tsx'
import { router } from './router.tsx'
import { SessionGate } from './SessionGate.tsx'
import { ThemeProvider } from './theme.tsx'

const queryClient = createQueryClient()

/** The console: the session, then the page of the URL. */
export function App() {
  return (
    <ThemeProvider>
      <QueryClientProvider client={queryClient}>
        <ToastProvider>
          <SessionGate>
            <RouterProvider router={router} />
          </SessionGate>
        </ToastProvider>
      </QueryClientProvider>
    </ThemeProvider>
  )
}
