import { MappingError } from '../../errors.ts'
import { plainDecimal, signedInteger } from '../../text/decimal.ts'
import { asBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

const MAX_SCALE = 16_383n

export default defineMethod({
  name: 'parse_big_decimal',
  categories: ['Parsing'],
  status: 'stable',
  description:
    "Parses a decimal number as encoded by [Kafka Connect](https://docs.confluent.io/platform/current/connect/conversions.html#decimal-type) and Debezium: an integer in two's complement, most significant byte first. Returns the number as a string.",
  params: [
    { name: 'scale', type: 'integer', description: 'The number of digits after the decimal point, 0 to 16383.' },
  ],
  examples: [
    [
      'root.amount = this.amount.decode("base64").parse_big_decimal(scale: 2)',
      '{"amount":"MDk="}',
      '{"amount":"123.45"}',
    ],
    [
      'root.amount = this.amount.decode("base64").parse_big_decimal(scale: 2)',
      '{"amount":"/w=="}',
      '{"amount":"-0.01"}',
    ],
  ],
  bareErrors: true,
  create: ([scale]) => {
    const digits = scale
    if (digits < 0n || digits > MAX_SCALE)
      throw new MappingError(`scale must be between 0 and ${MAX_SCALE}, got ${digits}`)
    return target => {
      const bytes = asBytes(target)
      if (bytes.length === 0) throw new MappingError('cannot parse empty bytes as big decimal')
      return plainDecimal(signedInteger(bytes), Number(digits))
    }
  },
})
