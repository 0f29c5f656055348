import { ConfigError, defineScanner, field, type ScannerFactory } from '../../engine/index.ts'
import { compilePattern, type Pattern } from './pattern.ts'

export default defineScanner({
  name: 'switch',
  categories: ['Utility'],
  summary: 'Chooses a scanner by the name of the source.',
  config: field
    .object({
      re_match_name: field
        .string('A regular expression for the name; without one the case matches any name.')
        .optional(),
      scanner: field.scanner('The scanner for matching names.'),
    })
    .list(),
  async create(cases, resources) {
    const compiled: { readonly pattern: Pattern | undefined; readonly factory: ScannerFactory }[] = []
    for (const { re_match_name: name, scanner } of cases) {
      const pattern =
        name === undefined || name === '' ? undefined : compilePattern(name, 'failed to compile name regexp')
      compiled.push({ pattern, factory: await resources.scanner(scanner) })
    }
    return {
      scan(source) {
        const found = compiled.find(({ pattern }) => pattern === undefined || pattern.matches(source.name))
        if (found === undefined) throw new ConfigError('source details did not match against any scanners')
        return found.factory.scan(source)
      },
    }
  },
})
