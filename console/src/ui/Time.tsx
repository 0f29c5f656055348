import { formatAgo, formatDuration, formatInstant } from './format.ts'
import { useNow } from './use-now.ts'

/** How long ago, with the exact time on hover. */
export function Ago({ at }: { at: string }) {
  const now = useNow()
  return (
    <time dateTime={at} title={formatInstant(at)} className="whitespace-nowrap">
      {formatAgo(at, now)}
    </time>
  )
}

/** The time since, counting up. */
export function Since({ at }: { at: string }) {
  const now = useNow()
  return (
    <time dateTime={at} title={`since ${formatInstant(at)}`} className="figures whitespace-nowrap">
      {formatDuration(now - Date.parse(at))}
    </time>
  )
}
