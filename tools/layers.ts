// Who may import whom: the table of ARCHITECTURE.md as code.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  storage: ['base'],
  kafka: ['base'],
  bloblang: ['base'],
  engine: ['base', 'bloblang'],
  host: ['base', 'bloblang', 'engine'],
  components: ['base', 'storage', 'kafka', 'bloblang', 'engine'],
  database: ['base'],
  metadata: ['base', 'kafka', 'database'],
  broker: ['base', 'storage', 'kafka', 'metadata'],
  control: ['base', 'kafka', 'database', 'metadata', 'engine'],
  agent: [
    'base',
    'storage',
    'kafka',
    'bloblang',
    'engine',
    'host',
    'components',
    'database',
    'metadata',
    'broker',
    'control',
  ],
  cli: [
    'base',
    'storage',
    'kafka',
    'bloblang',
    'engine',
    'host',
    'components',
    'database',
    'metadata',
    'broker',
    'control',
    'agent',
  ],
}

/** Doors beside `index.ts`, for those who may not load all of a folder. */
const doors: Readonly<Record<string, readonly string[]>> = {
  bloblang: ['index.ts', 'syntax.ts'],
  control: ['index.ts', 'api-types.ts'],
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:from\s*)?['"](\.{1,2}\/[^'"]+)['"]|\bimport\(\s*['"](\.{1,2}\/[^'"]+)['"]\s*\)|\n\}\s*from\s*['"](\.{1,2}\/[^'"]+)['"]/g

/** Findings `file: what is wrong`; none when every import obeys the table. */
export function checkLayers(): string[] {
  const findings: string[] = []
  for (const file of globSync('src/**/*.ts')
    .map(path => path.replaceAll('\\', '/'))
    .toSorted()) {
    const from = file.split('/')[1]!
    const isTest = /\.(test|suite|bench)\.ts$/.test(file)
    for (const match of readFileSync(file, 'utf8').matchAll(importPattern)) {
      const target = normalize(join(dirname(file), match[1] ?? match[2] ?? match[3]!))
      if (target === 'package.json') continue // the version
      if (!target.startsWith('src/')) {
        if (!isTest) findings.push(`${file}: imports ${target} from outside src/`)
        continue
      }
      const to = target.split('/')[1]!
      if (to === from) continue
      if (!layers[from]?.includes(to) && !isTest) findings.push(`${file}: ${from} may not import ${to} (${target})`)
      const door = target.split('/').slice(2).join('/')
      if (!(doors[to] ?? ['index.ts']).includes(door) && !isTest)
        findings.push(`${file}: import ${to} through its door, not ${target}`)
    }
  }
  for (const file of globSync('console/src/**/*.{ts,tsx}')) {
    for (const match of readFileSync(file, 'utf8').matchAll(importPattern)) {
      const target = normalize(join(dirname(file), match[1] ?? match[2] ?? match[3]!))
      const allowed = ['src/control/api-types.ts', 'src/bloblang/syntax.ts']
      if (target.startsWith('src/') && !allowed.includes(target))
        findings.push(`${file}: the console may not import ${target}`)
    }
  }
  return findings
}
