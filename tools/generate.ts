// Writes every generated file (`*.gen.ts`, docs/reference). With --check it writes nothing and fails on a stale one.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface GeneratedFile {
  /** Relative to the project's root. */
  readonly path: string
  readonly text: string
}

/** The default export of `tools/generators/*.ts`: all the files that one generator owns. */
export type Generator = () => Promise<readonly GeneratedFile[]> | readonly GeneratedFile[]

process.chdir(join(import.meta.dirname, '..'))
const check = process.argv.includes('--check')
let stale = 0
for (const file of globSync('tools/generators/*.ts').toSorted()) {
  const { default: generator } = (await import(pathToFileURL(join(process.cwd(), file)).href)) as { default: Generator }
  for (const { path, text } of await generator()) {
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    stale++
    if (check) {
      console.error(`${path} is stale: run \`npm run generate\``)
      continue
    }
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`wrote ${path}`)
  }
}
if (check && stale > 0) process.exitCode = 1
