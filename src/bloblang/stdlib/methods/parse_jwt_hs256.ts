import { parseJwt } from '../../text/crypto/jwt-methods.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod(parseJwt('HS256'))
