/** The page of `penstock blobl server`: self-contained, so that it works offline. */
export const BLOBL_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mappings · Penstock</title>
<style>
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --bad: #c4432b }
  * { box-sizing: border-box }
  body { margin: 0; height: 100vh; display: grid; grid-template: auto 1fr 1fr / 1fr 1fr; font: 14px/1.5 system-ui, sans-serif }
  header { grid-column: 1 / -1; padding: 10px 16px; border-bottom: 1px solid var(--line); display: flex; gap: 16px; align-items: baseline }
  h1 { font-size: 15px; margin: 0 }
  section { display: flex; flex-direction: column; min-height: 0; border-bottom: 1px solid var(--line) }
  #mapping-part { grid-row: 2 / 4; border-right: 1px solid var(--line) }
  label { padding: 6px 16px; font-size: 12px; opacity: .7 }
  textarea, output { flex: 1; margin: 0; border: 0; outline: 0; resize: none; padding: 4px 16px 16px; background: none; color: inherit;
    font: 13px/1.6 ui-monospace, monospace; white-space: pre; overflow: auto; tab-size: 2 }
  output.bad { color: var(--bad); white-space: pre-wrap }
</style>
<header><h1>Mappings</h1><span id="state" role="status"></span></header>
<section id="mapping-part"><label for="mapping">Mapping</label><textarea id="mapping" spellcheck="false" autofocus></textarea></section>
<section><label for="input">Message</label><textarea id="input" spellcheck="false"></textarea></section>
<section><label for="result">Result</label><output id="result" aria-live="polite"></output></section>
<script>
  const mapping = document.getElementById('mapping'), input = document.getElementById('input')
  const result = document.getElementById('result'), state = document.getElementById('state')
  let latest = 0
  async function execute() {
    const turn = ++latest
    try {
      const body = JSON.stringify({ mapping: mapping.value, input: input.value })
      const answer = await (await fetch('execute', { method: 'POST', body })).json()
      if (turn !== latest) return
      const problem = answer.parse_error ?? answer.mapping_error
      result.textContent = problem ?? answer.result
      result.className = problem === null ? '' : 'bad'
      state.textContent = ''
    } catch (error) {
      state.textContent = 'The server does not answer.'
    }
  }
  let timer
  for (const area of [mapping, input]) area.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(execute, 150) })
  fetch('start').then(answer => answer.json()).then(start => { mapping.value = start.mapping; input.value = start.input; return execute() })
</script>
</html>
`
