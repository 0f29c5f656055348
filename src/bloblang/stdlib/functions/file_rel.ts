import { readRelativeFile } from '../../data/host-files.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'file_rel',
  categories: ['Environment'],
  status: 'stable',
  description:
    'Returns the bytes of a file. Relative paths begin at the folder of the mapping. It is read once, when the mapping is parsed, unless `no_cache` is set or the path is computed.',
  params: [
    { name: 'path', type: 'string', description: 'The path of the file.' },
    { name: 'no_cache', type: 'bool', default: false, description: 'Whether to read it at each call.' },
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
