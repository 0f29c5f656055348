import { sprintf } from '../../text/go-format.ts'
import { getString } from '../../data/coerce.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'format',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    "Uses the string as a format for the arguments, with the verbs of Go's [fmt](https://pkg.go.dev/fmt) package. Numbers from a message are treated as strings; convert them with `.int64()` or `.number()` for verbs like `%d` and `%f`.",
  params: [],
  examples: [
    [
      'root.foo = "%s(%v): %v".format(this.name, this.age, this.fingers)',
      '{"name":"lance","age":37,"fingers":13}',
      '{"foo":"lance(37): 13"}',
    ],
    ['root.foo = "%05.1f|%d|%d".format(this.a.number(), 5, this.a)', '{"a":2}', '{"foo":"002.0|5|%!d(json.Number=2)"}'],
  ],
  variadic: true,
  create: args => target => sprintf(getString(target), args as readonly Value[]), // variadic arguments are values
})
