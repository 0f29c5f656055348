import { compareArgon2 } from '../../text/crypto/passwords.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'compare_argon2',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Returns whether a string matches an Argon2 hash (`argon2i` or `argon2id`), whose parameters are part of the hash.',
  params: [
    {
      name: 'hashed_secret',
      type: 'string',
      description: 'The hash to compare with, in its encoded form with parameters.',
    },
  ],
  examples: [
    [
      'root.match = this.secret.compare_argon2("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHktbWNzYWx0ZmFjZQ$RMUMwgtS32/mbszd+ke4o4Ej1jFpYiUqY6MHWa69X7Y")',
      '{"secret":"there-are-many-blobs-in-the-sea"}',
      '{"match":true}',
    ],
  ],
  bareErrors: true,
  create:
    ([hash]) =>
    target =>
      compareArgon2(getString(target), hash),
})
