// Which folder may import which: the table of ARCHITECTURE.md as code.
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

/**
 * What folders of components may import from one another: code without a vendor, and a few files of a vendor that
 * others need. A component's own file (`<kind>.<name>.ts`) is never among them.
 */
const shared = [
  'avro/',
  'io/',
  'protobuf/',
  'pure/',
  'aws/database-login.ts',
  'aws/msk-token.ts',
  'aws/retries.ts',
  'aws/session.ts',
  'http/client-fields.ts',
  'http/request-auth.ts',
  'kafka/checkpointer.ts',
  'opentelemetry/tracing.ts',
]

const componentFile = /\/(?:buffer|cache|input|metrics|output|processor|rate_limit|scanner|tracer)\.[^/.]+\.ts$/

/** Additional doors besides `index.ts`, for importers that must not load the whole folder. */
const doors: Readonly<Record<string, readonly string[]>> = {
  bloblang: ['index.ts', 'syntax.ts'],
  control: ['index.ts', 'api-types.ts'],
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:from\s*)?['"](\.{1,2}\/[^'"]+)['"]|\bimport\(\s*['"](\.{1,2}\/[^'"]+)['"]\s*\)|\n\}\s*from\s*['"](\.{1,2}\/[^'"]+)['"]/g

/** Findings `file: what is wrong`; none if every import obeys the table. */
export function checkLayers(): string[] {
  const findings = checkTable(readFileSync('ARCHITECTURE.md', 'utf8'))
  for (const file of globSync('src/**/*.ts')
    .map(path => path.replaceAll('\\', '/'))
    .toSorted()) {
    findings.push(...findingsOf(file, readFileSync(file, 'utf8')))
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

/** Findings of one file below `src/`. */
export function findingsOf(file: string, text: string): string[] {
  if (/\.(test|suite|bench)\.ts$/.test(file)) return []
  const from = file.split('/')[1]!
  return [...text.matchAll(importPattern)].flatMap(match => {
    const target = normalize(join(dirname(file), match[1] ?? match[2] ?? match[3]!))
    if (target === 'package.json') return [] // for the version
    if (!target.startsWith('src/')) return [`${file}: imports ${target} from outside src/`]
    const to = target.split('/')[1]!
    if (to === from) return from === 'components' ? acrossVendors(file, target) : []
    if (!layers[from]?.includes(to)) return [`${file}: ${from} may not import ${to} (${target})`]
    const door = target.split('/').slice(2).join('/')
    return (doors[to] ?? ['index.ts']).includes(door) ? [] : [`${file}: import ${to} through its door, not ${target}`]
  })
}

/** Finds imports of another vendor's components. */
function acrossVendors(file: string, target: string): string[] {
  const [vendor, other] = [file, target].map(path => path.split('/')[2]!)
  const isRegistry = !file.includes('/', 'src/components/'.length)
  if (vendor === other || isRegistry) return []
  const place = target.slice('src/components/'.length)
  const isShared = shared.some(one => place.startsWith(one)) && !componentFile.test(target)
  return isShared
    ? []
    : [`${file}: ${vendor} may not import ${target}; what vendors share is listed in tools/layers.ts`]
}

/** Findings if the folders of ARCHITECTURE.md, or what they may import, differ from what is checked here. */
export function checkTable(architecture: string): string[] {
  const table = tableOf(architecture)
  const folders = new Set([...Object.keys(layers), ...table.keys()])
  return [...folders]
    .filter(folder => table.get(folder)?.join() !== layers[folder]?.join())
    .map(
      folder =>
        `ARCHITECTURE.md: ${folder} is said to import ${table.get(folder)?.join(', ')}, and may import ${layers[folder]?.join(', ')}`,
    )
}

/** Each folder in the listing of ARCHITECTURE.md, with the folders that it may import. */
function tableOf(architecture: string): Map<string, readonly string[]> {
  const rows = [...architecture.matchAll(/^[├└]── (\w+)\/ .* → (.+)$/gm)]
  const folders = rows.map(([, folder]) => folder!)
  return new Map(
    rows.map(([, folder, imports], index) => {
      const all = imports === 'all above' ? folders.slice(0, index) : imports!.split(', ')
      return [folder!, imports === 'nothing' ? [] : all]
    }),
  )
}
