import { readRelativeFile } from '../../data/host-files.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'file_rel',
  categories: ['Environment'],
  status: 'stable',
  description:
    'Returns the contents of a file as bytes. Relative paths start at the directory of the mapping. The file is read once, when the mapping is parsed, unless `no_cache` is set or the path is computed.',
  params: [
    { name: 'path', type: 'string', description: 'The path of the file.' },
    { name: 'no_cache', type: 'bool', default: false, description: 'Whether to read it on every call.' },
  ],
  needs: 'files',
  impure: true,
  folds: ([, noCache]) => noCache !== true,
  examples: [],
  create([path, noCache], host) {
    const read = () => readRelativeFile(host, path)
    if (noCache === true) return read
    const content = read()
    return () => content
  },
})
