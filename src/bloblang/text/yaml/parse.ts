/** Parses YAML as Go's yaml.v3 does: the first document of a text. */
import { MappingError } from '../../errors.ts'
import type { Value } from '../../value.ts'
import { YamlCursor } from './cursor.ts'
import { readYamlInput } from './input.ts'
import { parseYamlDocument } from './parser.ts'
import { YamlScanner } from './scanner.ts'

/** Parses a document. Throws `failed to parse value as YAML: yaml: …`. */
export function parseYaml(text: string): Value {
  try {
    return parseYamlDocument(new YamlScanner(new YamlCursor(readYamlInput(text))))
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`failed to parse value as YAML: ${error.message}`)
    throw error
  }
}

/** The original's error for an invalid text, such as `yaml: line 2: did not find expected key`; else undefined. */
export function yamlFaultIn(text: string): string | undefined {
  try {
    parseYamlDocument(new YamlScanner(new YamlCursor(readYamlInput(text))))
    return undefined
  } catch (error) {
    if (error instanceof MappingError) return error.message
    throw error
  }
}
