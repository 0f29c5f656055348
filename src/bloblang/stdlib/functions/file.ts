import { readHostFile } from '../../data/host-files.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'file',
  categories: ['Environment'],
  status: 'stable',
  description:
    'Returns the contents of a file as bytes. Relative paths start at the working directory of the process; see `file_rel`. The file is read once, when the mapping is parsed, unless `no_cache` is set or the path is computed.',
  params: [
    { name: 'path', type: 'string', description: 'The path of the file.' },
    { name: 'no_cache', type: 'bool', default: false, description: 'Whether to read it on every call.' },
  ],
  needs: 'files',
  impure: true,
  folds: ([, noCache]) => noCache !== true,
  examples: [['root = file("no/such/file")', '{}', { error: 'open no/such/file: no such file or directory' }]],
  create([path, noCache], host) {
    const read = () => readHostFile(host, path)
    if (noCache === true) return read
    const content = read()
    return () => content
  },
})
