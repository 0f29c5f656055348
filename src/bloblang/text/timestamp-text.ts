/** A timestamp as RFC 3339 with as many digits of the fraction as it needs. */
export { formatRfc3339 as timestampText } from '../data/time/format.ts'
