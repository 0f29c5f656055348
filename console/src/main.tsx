import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './app/styles.css'
import { App } from './app/App.tsx'

// After an upgrade the server has other files than those this page knows: the page is read anew, once.
window.addEventListener('vite:preloadError', event => {
  const reloadedAt = Number(sessionStorage.getItem('penstock.reloaded') ?? 0)
  if (Date.now() - reloadedAt < 10_000) return
  event.preventDefault()
  sessionStorage.setItem('penstock.reloaded', String(Date.now()))
  location.reload()
})

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id "root"')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
