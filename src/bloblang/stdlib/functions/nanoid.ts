import { MappingError } from '../../errors.ts'
import { checkLength, randomText } from '../../data/identifiers.ts'
import { utf8Length } from '../../text/bytes.ts'
import { defineFunction } from '../spec.ts'

const DEFAULT_ALPHABET = Array.from('_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')
const DEFAULT_LENGTH = 21n

export default defineFunction({
  name: 'nanoid',
  categories: ['General'],
  status: 'stable',
  description: 'Returns a new random string on each call, of URL-safe characters or of the characters of an alphabet.',
  params: [
    { name: 'length', type: 'integer', optional: true, description: 'The number of characters; 21 if omitted.' },
    {
      name: 'alphabet',
      type: 'string',
      optional: true,
      description: 'The characters to choose from; requires a length.',
    },
  ],
  examples: [
    ['root.length = nanoid().length()', '{}', '{"length":21}'],
    ['root.id = nanoid(5, "a")', '{}', '{"id":"aaaaa"}'],
  ],
  create([lengthArgument, alphabet], host) {
    const length = lengthArgument
    if (alphabet !== undefined && length === undefined) {
      throw new MappingError('field length must be specified when an alphabet is specified')
    }
    const randomBytes = (count: number) => host.randomBytes(count)
    return () => {
      if (alphabet === undefined) {
        if (length !== undefined && length < 0n) throw new MappingError('negative id length')
        return randomText(DEFAULT_ALPHABET, checkLength(length ?? DEFAULT_LENGTH), randomBytes)
      }
      return randomText(checkAlphabet(alphabet), checkSize(length!), randomBytes)
    }
  },
})

function checkAlphabet(alphabet: string): readonly string[] {
  const size = utf8Length(alphabet)
  if (size === 0 || size > 255) throw new MappingError('alphabet must not be empty and contain no more than 255 chars')
  return Array.from(alphabet)
}

function checkSize(length: bigint): number {
  if (length <= 0n) throw new MappingError('size must be positive integer')
  return checkLength(length)
}
