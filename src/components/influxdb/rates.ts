/** Observations per second, by the names of their fields. */
export type Rates = Readonly<Record<string, number>>

/** What is kept of a timing between two points. */
export interface RateState {
  readonly count: number
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly fields: Rates
}

export const noRates: Rates = { '1m.rate': 0, '5m.rate': 0, '15m.rate': 0, 'mean.rate': 0 }

const windowsMinutes = { '1m.rate': 1, '5m.rate': 5, '15m.rate': 15 }

/**
 * The rates of a timing after `count` observations. An average over a window forgets what happened before with the time
 * that has passed; the first interval counts as if it had always been so.
 */
export function nextRates(before: RateState | undefined, count: number, nowMs: number, openedAtMs: number): RateState {
  const { count: countBefore, atMs } = before ?? { count: 0, atMs: openedAtMs }
  const elapsedSeconds = (nowMs - atMs) / 1000
  if (elapsedSeconds <= 0) return before ?? { count, atMs: nowMs, fields: noRates }
  const current = (count - countBefore) / elapsedSeconds
  const moving = Object.entries(windowsMinutes).map(([name, minutes]) => {
    const kept = before === undefined ? 0 : Math.exp(-elapsedSeconds / (minutes * 60))
    return [name, kept * (before?.fields[name] ?? 0) + (1 - kept) * current] as const
  })
  const mean = count / ((nowMs - openedAtMs) / 1000)
  return { count, atMs: nowMs, fields: { ...Object.fromEntries(moving), 'mean.rate': mean } }
}
