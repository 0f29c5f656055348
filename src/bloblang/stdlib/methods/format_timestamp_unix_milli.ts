import { defineMethod, underOldName } from '../spec.ts'
import tsUnixMilli from './ts_unix_milli.ts'

export default defineMethod({
  ...underOldName('format_timestamp_unix_milli', tsUnixMilli),
  categories: ['Deprecated'],
  status: 'deprecated',
})
