import { defineMethod, underOldName } from '../spec.ts'
import tsStrftime from './ts_strftime.ts'

export default defineMethod({
  ...underOldName('format_timestamp_strftime', tsStrftime),
  categories: ['Deprecated'],
  status: 'deprecated',
})
