import { codeOf } from '../../base/index.ts'
import { isAbsolute, join, relative } from 'node:path'
import { type Cache, defineCache, field } from '../../engine/index.ts'

export default defineCache({
  name: 'file',
  categories: ['Local'],
  summary: 'Stores each item as a file in a folder.',
  description:
    'Items never expire. A key is a file name relative to the folder; one that points outside of it is rejected.',
  config: field.object({ directory: field.string('The folder.').needs('files') }),
  create({ directory }, { host: { files } }): Cache {
    const pathOf = (key: string) => {
      const path = join(directory, key)
      const inside = relative(directory, path)
      if (inside === '' || inside.startsWith('..') || isAbsolute(inside))
        throw new Error(`key '${key}' leads out of the folder`)
      return path
    }
    const write = async (key: string, value: Uint8Array, flag: 'w' | 'wx') => {
      const path = pathOf(key)
      await files.mkdir(join(path, '..'))
      await files.writeFile(path, value, flag)
    }
    return {
      get: key => unlessCode('ENOENT', files.readFile(pathOf(key)), undefined),
      set: (key, value) => write(key, value, 'w'),
      add: (key, value) =>
        unlessCode(
          'EEXIST',
          write(key, value, 'wx').then(() => true),
          false,
        ),
      delete: key => unlessCode('ENOENT', files.unlink(pathOf(key)), undefined),
    }
  },
})

async function unlessCode<T, F>(code: string, work: Promise<T>, otherwise: F): Promise<T | F> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === code) return otherwise
    throw error
  }
}
