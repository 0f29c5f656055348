/** The shortest decimal text that reads back as the same 32-bit float. */
export function shortestFloat32(value: number): string {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 16_777_216)) return String(value)
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return String(shorter(value, digits, short))
  }
  return String(Number(value.toPrecision(9)))
}

/** Fewer digits may be enough than were tried first. */
function shorter(value: number, digits: number, found: number): number {
  if (digits > 6) return found
  for (let fewer = 1; fewer < digits; fewer++) {
    const short = Number(value.toPrecision(fewer))
    if (Math.fround(short) === value) return short
  }
  return found
}
