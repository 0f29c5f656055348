import { parseJson, withFloats } from '../../json/parse.ts'
import { within } from '../../data/errors.ts'
import { readRelativeFile } from '../../data/host-files.ts'
import { utf8Text } from '../../text/bytes.ts'
import { defineFunction, type Value } from '../spec.ts'

export default defineFunction({
  name: 'file_rel_json',
  categories: ['Environment'],
  status: 'stable',
  description:
    'Returns the document in a JSON file, which is read and parsed once. Relative paths start at the directory of the mapping.',
  params: [{ name: 'path', type: 'string', description: 'The path of the file.' }],
  needs: 'files',
  impure: true,
  folds: true,
  examples: [],
  create([path], host) {
    const document = readDocument(path, readRelativeFile(host, path))
    return () => document
  },
})

function readDocument(path: string, content: Uint8Array): Value {
  try {
    // Unlike those of documents, the file's numbers are parsed as floats.
    return withFloats(parseJson(utf8Text(content)))
  } catch (error) {
    throw within(`failed to parse JSON from ${path}`, error)
  }
}
