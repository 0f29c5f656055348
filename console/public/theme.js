// Runs before the first paint, so that a person who chose a theme never sees the other one flash by.
// A file of its own rather than an inline script: the page's content security policy allows no inline code.
;(() => {
  let choice = 'system'
  try {
    choice = localStorage.getItem('penstock.theme') ?? 'system'
  } catch {
    // Storage may be blocked; the system's theme is right then.
    choice = 'system'
  }
  const dark = choice === 'dark' || (choice === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
