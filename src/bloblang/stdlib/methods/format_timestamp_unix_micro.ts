import { defineMethod, underOldName } from '../spec.ts'
import tsUnixMicro from './ts_unix_micro.ts'

export default defineMethod({
  ...underOldName('format_timestamp_unix_micro', tsUnixMicro),
  categories: ['Deprecated'],
  status: 'deprecated',
})
