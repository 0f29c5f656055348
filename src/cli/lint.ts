import { dirname, extname, resolve } from 'node:path'
import process from 'node:process'
import { fileImporter, systemHost } from '../host/index.ts'
import { type Finding, readConfig, type ReadOptions, type Registry } from '../engine/index.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { expand, expandTree, loadEnvFiles, readText } from './source.ts'
import { lintTemplates, registryOf } from './templates.ts'

interface FileFinding {
  readonly path: string
  readonly finding: Finding
}

/** Checks templates: `template lint FILES`. Resolves to the exit code. */
export async function lintTemplateFiles(words: readonly string[]): Promise<number> {
  const [command, ...paths] = words
  if (command === 'lint') return await lintTemplates(expandTree(paths))
  process.stderr.write('The template command has one command of its own: lint\n')
  return 1
}

/** What is reported in addition to errors. */
export interface LintFlags {
  readonly deprecated: boolean
  readonly labels: boolean
  readonly 'skip-env-var-check': boolean
}

/** Checks configurations, also in Markdown files. Resolves to the exit code: 1 if there are findings. */
export async function lintFiles(options: EngineOptions, flags: LintFlags): Promise<number> {
  let targets: readonly string[]
  let registry: Registry
  try {
    registry = await registryOf(options)
    loadEnvFiles(options.envFiles)
    targets = [
      ...expandTree(options.words),
      ...(options.config === '' ? [] : [options.config]),
      ...expand(options.resources),
    ]
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    process.stderr.write(`Lint paths error: ${error.message}\n`)
    return 1
  }
  const findings: FileFinding[] = []
  for (const path of targets) {
    const readOptions: ReadOptions = {
      registry,
      host: systemHost,
      importer: fileImporter(dirname(resolve(path))),
      deprecated: flags.deprecated ? 'error' : 'warning',
      requireLabels: flags.labels,
      skipEnvCheck: flags['skip-env-var-check'],
    }
    findings.push(...(await lintFile(path, readOptions)))
  }
  return report(findings)
}

async function lintFile(path: string, options: ReadOptions): Promise<readonly FileFinding[]> {
  const found = (findings: readonly Finding[]) => findings.map(finding => ({ path, finding }))
  try {
    const text = readText(path)
    return found(
      extname(path) === '.md' ? await lintMarkdown(text, options) : (await readConfig(text, options)).findings,
    )
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    return found([{ line: 1, column: 1, text: error.message, level: 'error', kind: 'failed_read' }])
  }
}

/** Findings in the YAML snippets of a Markdown text, with line numbers in that text. */
async function lintMarkdown(text: string, options: ReadOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  let position = text.indexOf('```yaml')
  while (position !== -1) {
    const start = position + '```yaml'.length
    const line = text.slice(0, start).split('\n').length
    const end = text.indexOf('```', start)
    if (end === -1) {
      const unfinished = 'markdown snippet not terminated'
      return [...findings, { line, column: 1, text: unfinished, level: 'error', kind: 'failed_read' }]
    }
    const snippet = await readConfig(text.slice(start, end), { ...options, skipEnvCheck: true })
    for (const finding of snippet.findings) {
      findings.push({ ...finding, line: finding.kind === 'failed_read' ? line : finding.line + line - 1 })
    }
    position = text.indexOf('```yaml', end + 3)
  }
  return findings
}

/**
 * Findings that the original does not have. Next to findings of the original they are shown to users, but not to
 * programs, which compare the lines with the original's; on their own they are shown to both.
 */
const ownKinds: readonly Finding['kind'][] = ['unsupported', 'bad_argument', 'ineffective']

function report(found: readonly FileFinding[]): number {
  const isOwn = ({ finding }: FileFinding) => ownKinds.includes(finding.kind)
  const isShown = process.stderr.isTTY || found.every(isOwn)
  const findings = isShown ? found : found.filter(each => !isOwn(each))
  const isFailure = ({ finding }: FileFinding) =>
    !(finding.level === 'warning' && ['deprecated', 'ineffective'].includes(finding.kind))
  for (const each of findings) if (!isFailure(each)) process.stdout.write(`${format(each)}\n`)
  if (!findings.some(isFailure)) return 0
  const hints = process.stderr.isTTY
  for (const each of findings) {
    process.stderr.write(`${format(each)}\n`)
    if (hints && each.finding.hint !== undefined) process.stderr.write(`  ${each.finding.hint}\n`)
  }
  return 1
}

function format({ path, finding }: FileFinding): string {
  return `${path}(${finding.line},${finding.column}) ${finding.text}`
}
