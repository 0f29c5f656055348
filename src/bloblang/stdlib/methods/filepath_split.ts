import { splitPath } from '../../text/path.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'filepath_split',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Splits a file path after its last separator into a directory and a file name.',
  params: [],
  examples: [
    ['root.path = this.path.filepath_split()', '{"path":"/foo/bar.txt"}', '{"path":["/foo/","bar.txt"]}'],
    ['root.path = this.path.filepath_split()', '{"path":"baz.txt"}', '{"path":["","baz.txt"]}'],
  ],
  create: () => target => [...splitPath(getString(target))],
})
