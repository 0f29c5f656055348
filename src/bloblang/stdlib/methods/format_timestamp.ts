import { defineMethod, underOldName } from '../spec.ts'
import tsFormat from './ts_format.ts'

export default defineMethod({
  ...underOldName('format_timestamp', tsFormat),
  categories: ['Deprecated'],
  status: 'deprecated',
})
