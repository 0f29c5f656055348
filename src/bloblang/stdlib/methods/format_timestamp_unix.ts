import { defineMethod, underOldName } from '../spec.ts'
import tsUnix from './ts_unix.ts'

export default defineMethod({
  ...underOldName('format_timestamp_unix', tsUnix),
  categories: ['Deprecated'],
  status: 'deprecated',
})
