// Small rules that no other tool checks.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

const maxLines = 800

/** Findings `file: what is wrong`; none if the tree is tidy. */
export function checkTidy(): string[] {
  const findings: string[] = []
  const files = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const paths = files.stdout.split('\n').filter(path => path !== '' && existsSync(path))
  for (const path of paths) {
    if (!/\.(ts|tsx|mjs|css|md|yaml|yml|sh)$/.test(path)) continue
    const text = readFileSync(path, 'utf8')
    const generated = path.endsWith('.gen.ts')
    const code = /\.tsx?$/.test(path)
    const lines = text.split('\n')
    if (code && !generated && lines.length > maxLines)
      findings.push(`${path}: ${lines.length} lines, more than ${maxLines}`)
    if (generated && !/generated/i.test(lines[0]!))
      findings.push(`${path}: the first line must say that it is generated, and by what`)
    if (code && !generated && path !== 'tools/tidy.ts' && /\b(TODO|FIXME|XXX)\b/.test(text))
      findings.push(`${path}: holds a TODO; file an issue instead`)
    if (code && /\b(it|test|describe)\.only\(/.test(text) && path !== 'tools/tidy.ts')
      findings.push(`${path}: a focused test`)
    if (text.includes('\r\n')) findings.push(`${path}: CRLF line ends`)
    if (text !== '' && !text.endsWith('\n')) findings.push(`${path}: no newline at the end`)
    if (code && !generated && path.startsWith('src/') && !/^[a-z0-9]+([-._][a-z0-9]+)*\.ts$/.test(basename(path)))
      findings.push(`${path}: name files in kebab-case`)
  }
  return findings
}
