import { defineMethod, underOldName } from '../spec.ts'
import replaceAllMany from './replace_all_many.ts'

export default defineMethod({ ...underOldName('replace_many', replaceAllMany), status: 'hidden' })
