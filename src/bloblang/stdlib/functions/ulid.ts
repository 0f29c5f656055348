import { MappingError } from '../../errors.ts'
import { formatUlid, ulidBytes } from '../../data/identifiers.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'ulid',
  categories: ['General'],
  status: 'experimental',
  description:
    'Returns a new ULID on each call: 48 bits of milliseconds followed by 80 random bits, so that ULIDs sort by time.',
  params: [
    {
      name: 'encoding',
      type: 'string',
      default: 'crockford',
      description: '`crockford` (26 characters) or `hex` (32).',
    },
    {
      name: 'random_source',
      type: 'string',
      default: 'secure_random',
      description: '`secure_random`, or `fast_random` if ids may be predictable.',
    },
  ],
  examples: [['root.lengths = [ulid().length(), ulid("hex").length()]', '{}', '{"lengths":[26,32]}']],
  create([encoding, source], host) {
    if (encoding !== 'crockford' && encoding !== 'hex') {
      throw new MappingError(`invalid ulid encoding: ${encoding}`)
    }
    if (source !== 'secure_random' && source !== 'fast_random') {
      throw new MappingError(`invalid randomness source: ${source}`)
    }
    return () => {
      const bytes = ulidBytes(Number(host.now() / 1_000_000n), host.randomBytes(10))
      return encoding === 'hex' ? Buffer.from(bytes).toString('hex') : formatUlid(bytes)
    }
  },
})
