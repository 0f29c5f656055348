import { signJwt } from '../../text/jwt-methods.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod(signJwt('ES384'))
