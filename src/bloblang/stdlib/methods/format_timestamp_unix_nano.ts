import { defineMethod, underOldName } from '../spec.ts'
import tsUnixNano from './ts_unix_nano.ts'

export default defineMethod({
  ...underOldName('format_timestamp_unix_nano', tsUnixNano),
  categories: ['Deprecated'],
  status: 'deprecated',
})
