import { MappingError, WrongTypeError } from '../../errors.ts'
import { joinPath } from '../../text/path.ts'
import { getString } from '../../data/coerce.ts'
import { describeWrongType } from '../../data/errors.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'filepath_join',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Joins the elements of an array into one normalized file path.',
  params: [],
  examples: [
    ['root.path = this.elements.filepath_join()', '{"elements":["/foo/","../bar.txt"]}', '{"path":"/bar.txt"}'],
  ],
  create: () => target => {
    if (!Array.isArray(target)) throw new WrongTypeError(['array'], target)
    return joinPath(target.map(element))
  },
})

function element(value: Value, index: number): string {
  try {
    return getString(value)
  } catch (error) {
    if (error instanceof WrongTypeError) throw new MappingError(`path element ${index}: ${describeWrongType(error)}`)
    throw error
  }
}
