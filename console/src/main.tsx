import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './app/styles.css'
import { App } from './app/App.tsx'
import { preloadPages } from './app/router.tsx'

// After an upgrade the server has other files than this page expects: the page is reloaded, once.
window.addEventListener('vite:preloadError', () => {
  const reloadedAt = Number(sessionStorage.getItem('penstock.reloaded') ?? 0)
  if (Date.now() - reloadedAt < 10_000) return
  fetch('/', { cache: 'no-store' }).then(
    answer => {
      if (!answer.ok) return
      sessionStorage.setItem('penstock.reloaded', String(Date.now()))
      location.reload()
    },
    // The control plane is down: reloading now would lose the page and what was typed in it.
    () => undefined,
  )
})

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id "root"')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
// After the first page, which has priority.
setTimeout(preloadPages, 2000)
