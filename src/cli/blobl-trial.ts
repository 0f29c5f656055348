import {
  BodyView,
  compileMapping,
  DELETED,
  MappingError,
  NOTHING,
  printJson,
  utf8Text,
  type Value,
  type Host,
} from '../bloblang/index.ts'
import { systemHost } from '../host/index.ts'

/** The input of the page of `penstock blobl server`. */
export interface Trial {
  readonly input: string
  readonly mapping: string
}

/** The result of a trial; one of the three is set. */
interface Outcome {
  readonly result: string | null
  readonly parse_error: string | null
  readonly mapping_error: string | null
}

const NO_OUTCOME: Outcome = { result: null, parse_error: null, mapping_error: null }

/** The page may be reachable by others, so its mappings can access neither files nor the environment. */
const CLOSED_HOST: Host = {
  ...systemHost,
  env: () => undefined,
  readFile: () => {
    throw new MappingError('files cannot be read here')
  },
}
const WITHOUT_FUNCTIONS = ['env', 'file', 'file_rel', 'file_rel_json']

/** Maps a document. Errors are worded as on the original's page. */
export function tryMapping({ input, mapping: text }: Trial, host = CLOSED_HOST): Outcome {
  if (input === '') return { ...NO_OUTCOME, mapping_error: 'Input JSON string cannot be empty' }
  if (text === '') return { ...NO_OUTCOME, parse_error: 'Mapping string cannot be empty' }
  const { mapping, diagnostics } = compileMapping(text, { host, withoutFunctions: WITHOUT_FUNCTIONS })
  if (mapping === undefined) {
    return { ...NO_OUTCOME, parse_error: `failed to parse mapping: ${diagnostics[0]!.excerpt}` }
  }
  const message = new BodyView().setText(input)
  try {
    const result = mapping.runCommand([message], message.draft, false)
    return { ...NO_OUTCOME, result: shown(result, message) }
  } catch (error) {
    if (!(error instanceof MappingError) && !(error instanceof RangeError)) throw error
    return { ...NO_OUTCOME, mapping_error: `execution error: ${error.message}` }
  }
}

function shown(result: Value, message: BodyView): string {
  if (result === DELETED) return ''
  if (typeof result === 'string') return result
  if (result instanceof Uint8Array) return utf8Text(result)
  if (result !== NOTHING) return printJson(result, PRETTY)
  try {
    return printJson(message.structured(), PRETTY)
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    return utf8Text(message.bytes())
  }
}

const PRETTY = { escapeHtml: true, indent: '  ' }
