import { asBytes } from '../../text/target.ts'
import { MappingError } from '../../errors.ts'
import { ParquetError, parseParquet } from '../../text/parquet.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_parquet',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Parses a [Parquet](https://parquet.apache.org/docs/) file into an array with one object per row.',
  params: [{ name: 'byte_array_as_string', type: 'bool', description: 'No longer has any effect.', default: false }],
  examples: [],
  bareErrors: true,
  create: () => target => {
    try {
      return parseParquet(asBytes(target))
    } catch (error) {
      // The original's method opens files in a way that panics, unlike its processor.
      if (error instanceof ParquetError) throw new MappingError(`parquet read panic: ${error.message}`)
      throw error
    }
  },
})
