// Programs built from Go modules, which tests use as servers.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'

/** Where programs are kept between runs. */
export const goFolder = resolve('.tmp/connectors/go')

/** Runs Go and returns its output. Throws an error that says `what` could not be done. */
export function runGo(
  what: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  const go = existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : 'go'
  const result = spawnSync(go, args, { encoding: 'utf8', env: { ...process.env, ...environment } })
  if (result.status !== 0) throw new Error(`${what}: ${result.stderr ?? result.error?.message}`)
  return result.stdout
}

/** The path of a program, which is built if necessary: `github.com/owner/name`, and `v1.2.3`. */
export function goProgram(module: string, version: string): string {
  const name = module.slice(module.lastIndexOf('/') + 1)
  // Another version is another program.
  const folder = join(goFolder, version)
  const program = join(folder, name)
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  runGo(`${name} could not be built with Go`, ['install', `${module}@${version}`], { GOBIN: folder })
  return program
}
