import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs that end-to-end tests drive, and the Debian package of each. */
const programs: Readonly<Record<string, string>> = {
  kcat: 'kcat',
  chromium: 'chromium',
  zsh: 'zsh',
  fish: 'fish',
  initdb: 'postgresql',
}

/** Installs missing programs if permitted; otherwise prints the one command that does, and the tests are skipped. */
export function ensurePrograms(): void {
  const missing = Object.entries(programs)
    .filter(([program]) => !onPath(program))
    .map(([, debianPackage]) => debianPackage)
  if (missing.length === 0) return
  const install = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    console.log(`Some end-to-end tests need ${missing.join(' and ')}. Install with: sudo sh -c '${install}'`)
    return
  }
  console.log(`Installing ${missing.join(' and ')} for the end-to-end tests …`)
  const result = spawnSync('sh', ['-c', install], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (result.status !== 0) console.log(`It failed. By hand: sudo sh -c '${install}'`)
}

function onPath(program: string): boolean {
  // Debian keeps the programs of a PostgreSQL server in a folder per version.
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...globSync('/usr/lib/postgresql/*/bin')]
  return folders.some(folder => existsSync(join(folder, program)))
}
