import { signJwt } from '../../text/crypto/jwt-methods.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod(signJwt('ES512'))
