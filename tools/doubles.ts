// Tests run against the real thing. A test double for our own code (a class that implements its interface, an object in
// its place, a replaced method) has a comment on its line or above it that says why the real one would not do.
import { globSync, readFileSync } from 'node:fs'

/** Our interfaces whose real implementation tests can use. */
const parts =
  '(?:AgentLink|Clock|ComponentHost|Database|Log|Metadata|ObjectStore|Random|Supervisor|Transport)(?:<[^>]*>)?'

const doubles = [
  new RegExp(`\\bclass \\w+ (?:extends \\w+ )?implements ${parts}`),
  /\bmock\.(?:method|fn|getter|module|timers)\b/,
  new RegExp(`: ${parts} = \\{`),
  new RegExp(`\\): ${parts} => \\(?\\{`),
  new RegExp(`\\bas(?: unknown as)? ${parts}\\b(?!\\[)`),
]

/** Findings `file:line: what is wrong` in all tests. */
export function checkDoubles(): string[] {
  const files = globSync(['src/**/*.{test,suite}.ts', 'test/**/*.ts', 'console/src/**/*.test.ts'])
  return files.toSorted().flatMap(file => findingsOf(file, readFileSync(file, 'utf8')))
}

/** Findings in one file. */
export function findingsOf(file: string, text: string): string[] {
  const lines = text.split('\n')
  return lines.flatMap((line, index) => {
    const found = doubles.map(double => double.exec(line)?.[0]).find(each => each !== undefined)
    if (found === undefined || isComment(line)) return []
    const isExplained = / \/\/ \S/.test(line) || isComment(lines[index - 1] ?? '')
    return isExplained ? [] : [`${file}:${index + 1}: say why \`${found}\` stands in for the real thing`]
  })
}

function isComment(line: string): boolean {
  return /^\s*(?:\/\/|\/\*|\*)/.test(line)
}
