import { expectObject, getString } from '../../data/coerce.ts'
import { within } from '../../data/errors.ts'
import { splitPath, withoutPaths } from '../../data/objects.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'without',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the object without the fields at the given dot paths. Paths that do not exist are ignored.',
  params: [],
  variadic: true,
  examples: [['root = this.without("in.a", "d")', '{"in":{"a":1,"b":2},"d":3,"e":4}', '{"e":4,"in":{"b":2}}']],
  create(args) {
    // Each argument is a value, checked by pathText.
    const paths = args.map((argument, at) => splitPath(pathText(argument as Value, at)))
    return target => withoutPaths(expectObject(target), paths)
  },
})

function pathText(argument: Value, at: number): string {
  try {
    return getString(argument)
  } catch (error) {
    throw within(`argument ${at}`, error)
  }
}
