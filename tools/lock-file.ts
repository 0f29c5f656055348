// The lock file installs the same packages on every platform and from every registry.
import { readFileSync } from 'node:fs'

interface LockedPackage {
  readonly resolved?: string
  readonly integrity?: string
  readonly inBundle?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Keyed by the folder of each package, `node_modules/a/node_modules/b`; the project itself is the empty text. */
type LockedPackages = Readonly<Record<string, LockedPackage>>

/**
 * Findings `package-lock.json: what is wrong`; none if it contains every package of every platform, with its hash and
 * without the address of a registry. npm omits the packages of other platforms if node_modules/ existed before the lock
 * file (npm/cli#4828); `npm ci` on such a platform then fails.
 */
export function checkLockFile(packages: LockedPackages = read()): string[] {
  const findings: string[] = []
  for (const [folder, locked] of Object.entries(packages)) {
    const name = folder === '' ? 'package.json' : folder
    if (locked.resolved !== undefined && !locked.resolved.startsWith('file:'))
      findings.push(`${name} names the registry ${locked.resolved}`)
    if (folder !== '' && locked.integrity === undefined && locked.inBundle !== true)
      findings.push(`${name} has no hash`)
    const wanted = { ...locked.dependencies, ...locked.optionalDependencies, ...locked.devDependencies }
    for (const dependency of Object.keys(wanted)) {
      if (!isLocked(packages, folder, dependency)) findings.push(`${name} needs ${dependency}, which is not there`)
    }
  }
  return findings.map(finding => `package-lock.json: ${finding}; \`npm install\` completes it`)
}

/** Looks up a package as Node does: in the folder's own node_modules, then in those of its parents. */
function isLocked(packages: LockedPackages, folder: string, name: string): boolean {
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (Object.hasOwn(packages, `${at === '' ? '' : `${at}/`}node_modules/${name}`)) return true
    if (at === '') return false
  }
}

function read(): LockedPackages {
  // npm writes this file and validates its shape.
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: LockedPackages }
  return packages
}
