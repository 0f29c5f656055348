/** A test case of a configuration and its result. */
export interface CaseResult {
  readonly name: string
  readonly line: number
  readonly failures: readonly string[]
  readonly durationMs: number
}

/** The tests of one configuration. */
export interface SuiteResult {
  readonly path: string
  readonly lints: readonly string[]
  readonly cases: readonly CaseResult[]
  /** Why the tests could not be run at all. */
  readonly error?: string
}

/** Results as JUnit XML for continuous integration; the linter's findings are a test case of their own. */
export function junitXml(suites: readonly SuiteResult[]): string {
  const all = suites.map(suiteElement)
  const sum = (of: (suite: Counts) => number) => suites.reduce((total, suite) => total + of(countsOf(suite)), 0)
  const counts = `tests="${sum(each => each.tests)}" failures="${sum(each => each.failures)}" errors="${sum(each => each.errors)}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n${all.join('')}</testsuites>\n`
}

interface Counts {
  readonly tests: number
  readonly failures: number
  readonly errors: number
}

function countsOf({ lints, cases, error }: SuiteResult): Counts {
  const failed = cases.filter(({ failures }) => failures.length > 0).length
  return {
    tests: cases.length + (lints.length > 0 ? 1 : 0) + (error === undefined ? 0 : 1),
    failures: failed + (lints.length > 0 ? 1 : 0),
    errors: error === undefined ? 0 : 1,
  }
}

function suiteElement(suite: SuiteResult): string {
  const { path, lints, cases, error } = suite
  const { tests, failures, errors } = countsOf(suite)
  const seconds = cases.reduce((total, { durationMs }) => total + durationMs, 0) / 1000
  const elements = [
    ...(error === undefined ? [] : [caseElement(path, 'configuration', 1, 0, `<error message="${text(error)}"/>`)]),
    ...(lints.length === 0 ? [] : [caseElement(path, 'lint', 1, 0, failureElement(lints))]),
    ...cases.map(each =>
      caseElement(
        path,
        each.name,
        each.line,
        each.durationMs,
        each.failures.length === 0 ? '' : failureElement(each.failures),
      ),
    ),
  ]
  const counts = `tests="${tests}" failures="${failures}" errors="${errors}" time="${seconds.toFixed(3)}"`
  return `  <testsuite name="${text(path)}" ${counts}>\n${elements.join('')}  </testsuite>\n`
}

function caseElement(path: string, name: string, line: number, durationMs: number, inside: string): string {
  const place = `classname="${text(path)}" file="${text(path)}" line="${line}"`
  const head = `    <testcase name="${text(name)}" ${place} time="${(durationMs / 1000).toFixed(3)}"`
  return inside === '' ? `${head}/>\n` : `${head}>${inside}</testcase>\n`
}

function failureElement(reasons: readonly string[]): string {
  return `<failure message="${text(reasons[0]!.split('\n')[0]!)}">${text(reasons.join('\n'))}</failure>`
}

/** Text for XML 1.0, which allows no control characters except tabs and line breaks. */
function text(value: string): string {
  return value
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`)
}
