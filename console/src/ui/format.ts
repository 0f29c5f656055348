const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** `12,345` */
export function formatCount(value: number): string {
  return whole.format(value)
}

/** `12.3K`, from ten thousand on. */
export function formatShort(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value)
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${byteUnits[unit]}`
}

/** A rate per second without its unit: `0`, `0.4`, `12`, `3.1K`. */
export function formatRate(value: number): string {
  if (value === 0) return '0'
  if (value < 0.05) return '<0.1'
  if (value < 10) return value.toFixed(1).replace(/\.0$/, '')
  return formatShort(value)
}

/** `12%` of one core. */
export function formatShare(share: number): string {
  return share > 0 && share < 0.01 ? '<1%' : `${Math.round(share * 100)}%`
}

/** `3 topics`, `1 topic` */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A duration in its largest one or two units: `45s`, `3m 20s`, `5h 2m`, `12d`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return minutes < 10 && seconds % 60 > 0 ? `${minutes}m ${seconds % 60}s` : `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 > 0 ? `${hours}h ${minutes % 60}m` : `${hours}h`
  return `${Math.floor(hours / 24)}d`
}

/** `just now`, `20s ago`, `5m ago`; the date if more than a week ago. */
export function formatAgo(at: string, now: number): string {
  const age = now - Date.parse(at)
  if (age < 5000) return 'just now'
  if (age < 60_000) return `${Math.floor(age / 1000)}s ago`
  if (age < 3_600_000) return `${Math.floor(age / 60_000)}m ago`
  if (age < 86_400_000) return `${Math.floor(age / 3_600_000)}h ago`
  if (age < 7 * 86_400_000) return `${Math.floor(age / 86_400_000)}d ago`
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** `14:03:22.517`, in the user's time zone. */
export function formatClock(at: string): string {
  const date = new Date(at)
  return `${clockFormat.format(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** Date and time to the millisecond, in the user's time zone: `2026-11-23 14:03:22.517`. */
export function formatInstant(at: string): string {
  const date = new Date(at)
  const pad = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${formatClock(at)}`
}
