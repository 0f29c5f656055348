import { compareBcrypt } from '../../text/crypto/passwords.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'compare_bcrypt',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Returns whether a string matches a bcrypt hash.',
  params: [{ name: 'hashed_secret', type: 'string', description: 'The hash to compare with.' }],
  examples: [
    [
      'root.match = this.secret.compare_bcrypt("$2y$10$Dtnt5NNzVtMCOZONT705tOcS8It6krJX8bEjnDJnwxiFKsz1C.3Ay")',
      '{"secret":"there-are-many-blobs-in-the-sea"}',
      '{"match":true}',
    ],
  ],
  bareErrors: true,
  create:
    ([hash]) =>
    target =>
      compareBcrypt(getString(target), hash),
})
