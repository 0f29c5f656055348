import { lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import type { Capability } from '../base/index.ts'

/** A capability given to managed pipelines: all of it, or what matches the pattern. */
export interface Grant {
  readonly capability: Capability
  readonly pattern: string | null
}

/** A list of grants that cannot be parsed. */
export class GrantError extends Error {}

const names: Readonly<Record<string, Capability>> = {
  files: 'files',
  database_files: 'database_files',
  processes: 'processes',
  env: 'environment',
  environment: 'environment',
  network: 'network',
  listen: 'listen',
  stdio: 'stdio',
}

/** Everything: for a program that a person starts for a single configuration. */
export const allGrants: readonly Grant[] = [...new Set(Object.values(names))].map(capability => ({
  capability,
  pattern: null,
}))

/** Parses `files=/data,env=PIPELINE_*,stdio`. Throws {@link GrantError}. */
export function parseGrants(text: string): readonly Grant[] {
  return text
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
    .map(parseGrant)
}

function parseGrant(entry: string): Grant {
  const equals = entry.indexOf('=')
  const name = equals < 0 ? entry : entry.slice(0, equals)
  const pattern = equals < 0 ? null : entry.slice(equals + 1)
  const capability = Object.hasOwn(names, name) ? names[name] : undefined
  if (capability === undefined) {
    throw new GrantError(`${JSON.stringify(name)} is not a capability; those are ${Object.keys(names).join(', ')}`)
  }
  if (pattern === '') throw new GrantError(`${name}= has an empty pattern; write ${name} alone to grant all of it`)
  if (pattern !== null && capability === 'stdio') throw new GrantError('stdio takes no pattern; write it without =')
  return { capability, pattern }
}

/** Whether a grant covers `target`, or covers anything at all when no target is known. */
export function isGranted(grants: readonly Grant[], capability: Capability, target?: string): boolean {
  return grants.some(
    grant =>
      grant.capability === capability &&
      (grant.pattern === null || target === undefined || matchers[capability](grant.pattern, target)),
  )
}

type Matcher = (pattern: string, target: string) => boolean

const matchers: Readonly<Record<Capability, Matcher>> = {
  files: isInside,
  database_files: isInside,
  processes: matchesName,
  environment: matchesName,
  // The address filter matches exceptions from the refused addresses.
  network: () => false,
  listen: matchesAddress,
  stdio: () => true,
}

/**
 * Whether a path is a folder or below it after following links; for a glob
 * pattern, the folder that it starts from counts.
 */
function isInside(folder: string, path: string): boolean {
  const fixed = /[*?[]/.test(path) ? path.slice(0, path.search(/[^/]*[*?[]/)) || '.' : path
  if (leavesLink(fixed)) return false
  const way = relative(realPath(folder), realPath(fixed))
  return way === '' || (!/^\.\.(\/|$)/.test(way) && !isAbsolute(way))
}

/**
 * Whether `..` follows a link: the system then goes up from the link's target, which differs from what the text says.
 */
function leavesLink(path: string): boolean {
  const passed: string[] = []
  for (const part of path.split('/')) {
    if (part !== '..') {
      if (part !== '' && part !== '.') passed.push(part)
      continue
    }
    const here = `${path.startsWith('/') ? '/' : './'}${passed.join('/')}`
    if (lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() === true) return true
    passed.pop()
  }
  return false
}

/** Resolves the links in a path; components that do not exist yet stay as they are. */
function realPath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    const parent = dirname(absolute)
    return parent === absolute ? absolute : join(realPath(parent), basename(absolute))
  }
}

/** Matches a pattern such as `PIPELINE_*`; `*` matches any text. */
function matchesName(pattern: string, name: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return name === pattern
  let rest = name
  if (!rest.startsWith(first)) return false
  rest = rest.slice(first.length)
  for (const part of others) {
    const at = rest.indexOf(part)
    if (at < 0) return false
    rest = rest.slice(at + part.length)
  }
  return rest.endsWith(last)
}

/** Matches `8081` or `127.0.0.1:8081`; a pattern without a host matches that port on every address. */
function matchesAddress(pattern: string, address: string): boolean {
  const [host, port] = splitAddress(pattern)
  const [wantedHost, wantedPort] = splitAddress(address)
  return port === wantedPort && (host === '' || host === (wantedHost === '' ? '0.0.0.0' : wantedHost))
}

function splitAddress(text: string): readonly [host: string, port: string] {
  const colon = text.lastIndexOf(':')
  return [text.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, ''), text.slice(colon + 1)]
}

/** Error text for a managed pipeline that uses something not granted; names the grant that would allow it. */
export function refusalText(capability: Capability, target: string | undefined): string {
  const [action, grant] = wordings[capability](target)
  return `managed pipelines may not ${action} (the agent's flag -pipelinesGrant ${grant} allows it)`
}

type Wording = (target: string | undefined) => readonly [action: string, grant: string]

const wordings: Readonly<Record<Capability, Wording>> = {
  files: path => (path === undefined ? ['use files', 'files'] : [`use the file ${path}`, `files=${folderOf(path)}`]),
  database_files: path =>
    path === undefined
      ? ['open database files', 'database_files']
      : [`open the database file ${path}`, `database_files=${folderOf(path)}`],
  processes: name => (name === undefined ? ['run programs', 'processes'] : [`run ${name}`, `processes=${name}`]),
  environment: name =>
    name === undefined
      ? ['read environment variables', 'env']
      : [`read the environment variable ${name}`, `env=${name}`],
  network: address =>
    address === undefined ? ['use the network', 'network'] : [`connect to ${address}`, `network=${address}`],
  listen: address =>
    address === undefined
      ? ['listen on an address of their own', 'listen']
      : [`listen on ${address}`, `listen=${splitAddress(address)[1]}`],
  stdio: () => ['use standard input and output', 'stdio'],
}

function folderOf(path: string): string {
  return dirname(path.replace(/[^/]*[*?[].*$/, 'x'))
}
