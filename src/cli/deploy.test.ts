// Deployment files refer to flags and variables that exist, and the chart uses all of its values and no others.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { parse } from 'yaml'
import { agentFlags, bucketCheckFlags, controlPlaneFlags } from './commands.ts'
import { type FlagSpecs, variablesOf } from './flags.ts'

interface ComposeService {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>
  readonly network_mode?: string
  readonly volumes?: readonly string[]
}

const root = join(import.meta.dirname, '../..')
const chart = 'deploy/helm/penstock'
const templates = globSync(`${chart}/templates/*`, { cwd: root })
const text = (file: string) => readFileSync(join(root, file), 'utf8')

const specs = { agent: agentFlags, 'control-plane': controlPlaneFlags } as const satisfies Record<string, FlagSpecs>
/** The variables that help texts name. */
const variablesIn = (flags: FlagSpecs) =>
  new Set(Object.entries(flags).map(([name, spec]) => variablesOf(name, spec)[0]))

/** Each command in a file, as `[agent, -flag, …]`, with the flags that it is given. */
function commandsIn(file: string): { command: keyof typeof specs; flags: string[] }[] {
  return [...text(file).matchAll(/\[(agent|control-plane)\b(.*)\]/g)].map(([, command, rest]) => ({
    command: command as keyof typeof specs, // by the regular expression
    flags: [...rest!.matchAll(/(?<=[\s,])-{1,2}([A-Za-z]\w*)/g)].map(([, name]) => name!),
  }))
}

test('the chart and compose.yaml use only flags that the commands have', () => {
  const found = [...templates, 'compose.yaml'].flatMap(commandsIn)
  assert.deepEqual([...new Set(found.map(({ command }) => command))].toSorted(), ['agent', 'control-plane'])
  assert.ok(found.some(({ flags }) => flags.includes('bindAddress')))
  for (const { command, flags } of found)
    for (const flag of flags) assert.ok(Object.hasOwn(specs[command], flag), `${command} has no -${flag}`)
})

test('compose.yaml refers only to services and volumes that it has, and its commands are complete', () => {
  // Only the fields that this test reads.
  const { services, volumes } = parse(text('compose.yaml'), { merge: true }) as {
    services: Record<string, ComposeService>
    volumes: Record<string, unknown>
  }
  const ownServices = Object.values(services).filter(({ image }) => image === 'penstock')
  assert.equal(ownServices.length, 5)
  for (const { command, environment } of ownServices) {
    assert.ok(command?.[0] === 'agent' || command?.[0] === 'control-plane')
    const isAgent = command[0] === 'agent'
    const needed = isAgent
      ? ['BUCKET_URL', 'AGENT_KEY', 'DEFAULT_VIRTUAL_CLUSTER_ID', 'METADATA_URL']
      : ['DATABASE_URL', 'SEALING_KEY']
    for (const name of needed) assert.ok(environment?.[`${isAgent ? 'WARPSTREAM' : 'PENSTOCK'}_${name}`], name)
  }
  for (const [name, service] of Object.entries(services)) {
    const { depends_on: dependencies = [], network_mode: network = '', volumes: mounts = [] } = service
    const others = Array.isArray(dependencies) ? dependencies : Object.keys(dependencies)
    const hosts = [...JSON.stringify(service.environment ?? {}).matchAll(/\/\/(?:\w+:\w+@)?([a-z][a-z0-9-]*)[:/]/g)]
    const used = [...others, ...(/^service:(.*)/.exec(network)?.slice(1) ?? []), ...hosts.map(([, host]) => host!)]
    for (const other of used) if (other !== 'penstock') assert.ok(services[other], `${name} uses the service ${other}`)
    for (const mount of mounts) assert.ok(Object.hasOwn(volumes, mount.split(':')[0]!), `${name} mounts ${mount}`)
  }
})

test('the chart, compose.yaml and the guide name only variables that exist', () => {
  const known = variablesIn(agentFlags).union(variablesIn(controlPlaneFlags))
  for (const file of [...templates, 'compose.yaml', 'docs/guide/from-one-machine-to-many.md'])
    for (const [name] of text(file).matchAll(/\b(?:WARPSTREAM|PENSTOCK)_[A-Z_]+\b/g))
      assert.ok(known.has(name), `${file}: nothing reads ${name}`)
  const ofAgent = [...text(`${chart}/templates/agent.yaml`).matchAll(/\b(?:WARPSTREAM|PENSTOCK)_[A-Z_]+\b/g)]
  assert.ok(ofAgent.length >= 9)
  for (const [name] of ofAgent) assert.ok(variablesIn(agentFlags).has(name), `an agent does not read ${name}`)
})

test('the guide names only flags that exist', () => {
  const known = new Set([...[agentFlags, controlPlaneFlags, bucketCheckFlags].flatMap(Object.keys), 'help'])
  const code = [...text('docs/guide/from-one-machine-to-many.md').matchAll(/`([^`]+)`|```([\s\S]*?)```/g)]
  const flags = code.flatMap(([part]) =>
    part.includes('npm run') || part.includes('openssl')
      ? []
      : [...part.matchAll(/(?<=[\s`])-([A-Za-z]\w+)/g)].map(([, name]) => name!),
  )
  assert.ok(flags.length > 10)
  for (const flag of flags) assert.ok(known.has(flag), `there is no -${flag}`)
})

test('the chart uses every value it declares, and declares every value it uses', () => {
  const used = new Set(
    templates.flatMap(file => [...text(file).matchAll(/\.Values((?:\.\w+)+)/g)].map(([, path]) => path!.slice(1))),
  )
  const values = valuePaths(text(`${chart}/values.yaml`))
  assert.ok(values.length > 20)
  for (const path of used)
    assert.ok(
      values.some(value => value === path || value.startsWith(`${path}.`)),
      `values.yaml has no ${path}`,
    )
  for (const value of values)
    assert.ok(
      [...used].some(path => value === path || value.startsWith(`${path}.`)),
      `nothing uses ${value}`,
    )
})

test('the notes of the chart document all of its values', () => {
  const values = valuePaths(text(`${chart}/values.yaml`))
  const lists = [...text(`${chart}/templates/NOTES.txt`).matchAll(/:= list ((?:"\w+" ?)+)\}\}/g)].map(
    ([, names]) => new Set([...names!.matchAll(/\w+/g)].map(([name]) => name)),
  )
  assert.equal(lists.length, 3)
  const below = (parent: string) => values.filter(path => path.startsWith(`${parent}.`)).map(path => path.split('.')[1])
  assert.deepEqual(lists[0], new Set(values.map(path => path.split('.')[0])))
  assert.deepEqual(lists[1], new Set(below('config')))
  assert.deepEqual(lists[2], new Set(below('certificate')))
})

/** The paths of the leaves in the chart's values, which have two levels, the second as a block or in braces. */
function valuePaths(yaml: string): string[] {
  const paths: string[] = []
  let parent = ''
  for (const line of yaml.split('\n')) {
    const [, indent = '', key, rest = ''] = /^(\s*)([A-Za-z]\w*):\s*(.*)$/.exec(line) ?? []
    if (key === undefined) continue
    if (indent === '') parent = key
    const path = indent === '' ? key : `${parent}.${key}`
    const inner = /^\{ (.*) \}$/.exec(rest)
    if (inner !== null) paths.push(...keysOf(inner[1]!).map(name => `${path}.${name}`))
    else if (rest !== '') paths.push(path)
  }
  return paths
}

/** The names at the first level inside braces. */
function keysOf(inner: string): string[] {
  let depth = 0
  let flat = ''
  for (const character of inner) {
    if (character === '{') depth++
    if (depth === 0) flat += character
    if (character === '}') depth--
  }
  return [...flat.matchAll(/(\w+):/g)].map(([, name]) => name!)
}
