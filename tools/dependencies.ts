// Each package that the program depends on has a line in ADR 0006 that says why, and each line has its package.
import { readFileSync } from 'node:fs'

const page = 'docs/adr/0006-dependencies.md'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/** Findings in the repository. */
export function checkDependencies(): string[] {
  // npm writes this file and checks its shape.
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  const versions = { ...manifest.dependencies, ...manifest.optionalDependencies }
  return [...findingsOf(readFileSync(page, 'utf8'), Object.keys(versions)), ...inexact(versions)]
}

/** Findings on the page for these packages. `@vendor/client-*` in a line stands for all packages with that prefix. */
export function findingsOf(text: string, packages: readonly string[]): string[] {
  const lines = [...text.matchAll(/^\| ([^|]+) \|/gm)]
    .flatMap(([, cell]) => cell!.replace('(optional)', '').trim().split(/,\s*/))
    .filter(name => name !== 'package' && !name.startsWith('---'))
  const names = (line: string, name: string) =>
    line.endsWith('*') ? name.startsWith(line.slice(0, -1)) : name === line
  const repeated = lines.filter((line, index) => lines.indexOf(line) !== index)
  return [
    ...packages
      .filter(name => !lines.some(line => names(line, name)))
      .map(name => `${page}: ${name} of package.json has no line that says why`),
    ...lines
      .filter(line => !packages.some(name => names(line, name)))
      .map(line => `${page}: ${line} is not in package.json`),
    ...repeated.map(line => `${page}: ${line} has two lines`),
  ]
}

/** Inexact versions, with which another installation could get other code. */
export function inexact(versions: Readonly<Record<string, string>>): string[] {
  return Object.entries(versions)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json: give ${name} an exact version, not ${version}`)
}
