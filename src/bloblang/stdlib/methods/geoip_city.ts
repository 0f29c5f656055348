import { geoipMethod } from '../../text/geoip.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod(geoipMethod('city'))
