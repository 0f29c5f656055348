import { defineMethod, underOldName } from '../spec.ts'
import reReplaceAll from './re_replace_all.ts'

export default defineMethod({ ...underOldName('re_replace', reReplaceAll), status: 'hidden' })
