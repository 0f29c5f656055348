import { defineMethod, underOldName } from '../spec.ts'
import replaceAll from './replace_all.ts'

export default defineMethod({ ...underOldName('replace', replaceAll), status: 'hidden' })
