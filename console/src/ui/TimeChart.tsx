import { useEffect, useEffectEvent, useMemo, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { classNames } from './class-names.ts'

export interface Series {
  readonly label: string
  /** A token of the style sheet, e.g. `--series-in`. */
  readonly color: string
  readonly values: readonly number[]
}

interface TimeChartProps {
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly format: (value: number) => string
  readonly height?: number
  /** Whether the axis marks bytes, in powers of two. */
  readonly binary?: boolean
  /** A description of the chart. */
  readonly label: string
  /** Changes with the theme, because a canvas does not follow the theme's colours automatically. */
  readonly theme: string
}

/** Rates over the last minutes, drawn on a canvas so that one point per second costs nothing. */
export function TimeChart({ times, series, format, height = 176, binary = false, label, theme }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const formatNow = useEffectEvent((value: number) => format(value))
  const names = series.map(one => `${one.label}=${one.color}`).join('|')
  // The chart expects the times first, then the series.
  const data = useMemo(() => [times, ...series.map(one => one.values)] as unknown as uPlot.AlignedData, [times, series])
  const firstData = useEffectEvent(() => data)

  // The plot is recreated only for properties that it cannot change; new data is set by the effect below.
  useEffect(() => {
    const parent = box.current
    if (parent === null) return undefined
    const size = () => ({ width: Math.max(120, parent.clientWidth), height })
    const made = new uPlot(
      chartOptions(names, binary, size(), value => formatNow(value)),
      firstData(),
      parent,
    )
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize(size()))
    observer.observe(parent)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [names, binary, height, theme])

  useEffect(() => plot.current?.setData(data), [data])

  const last = (one: Series) => format(one.values.at(-1) ?? 0)
  return (
    <figure aria-label={`${label}: ${series.map(one => `${one.label} ${last(one)}`).join(', ')}`} className="m-0">
      <figcaption className="flex flex-wrap gap-x-4 px-4 pt-3 text-xs text-muted">
        {series.map(one => (
          <span key={one.label} className="inline-flex items-center gap-1.5">
            <span aria-hidden="true" className="h-0.5 w-3 rounded-full" style={{ background: `var(${one.color})` }} />
            {one.label}
            <span className="figures font-medium text-ink">{last(one)}</span>
          </span>
        ))}
      </figcaption>
      <div
        ref={box}
        style={{ height }}
        className={classNames('w-full overflow-hidden', times.length < 2 && 'opacity-40')}
      />
    </figure>
  )
}

/** The minimum time range, in seconds. */
const leastWindow = 120

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const powersOfTwo = Array.from({ length: 50 }, (_, power) => 2 ** power)

function chartOptions(
  names: string,
  binary: boolean,
  size: { width: number; height: number },
  format: (value: number) => string,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const axis = {
    stroke: token('--faint'),
    font: '11px Inter, sans-serif',
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    ...size,
    padding: [12, 30, 0, 4],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: {
      // A new chart fills from the right instead of stretching its first points.
      x: { range: (_, first, last) => [Math.min(first, last - leastWindow), last] },
      y: { range: (_, __, highest) => [0, Math.max(1, highest * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 80,
        size: 30,
        // With fewer than two points the axis would start in 1970.
        values: (self, splits) => (self.data[0].length < 2 ? [] : splits.map(seconds => clock.format(seconds * 1000))),
      },
      {
        ...axis,
        size: 68,
        space: 38,
        ...(binary ? { incrs: powersOfTwo } : {}),
        values: (_, splits) => splits.map(value => format(value)),
      },
    ],
    series: [
      {},
      ...names.split('|').map(name => {
        const color = token(name.slice(name.indexOf('=') + 1))
        return {
          label: name.slice(0, name.indexOf('=')),
          stroke: color,
          width: 1.75,
          points: { show: false },
          fill: (self: uPlot) => {
            const fade = self.ctx.createLinearGradient(0, 0, 0, self.height)
            fade.addColorStop(0, withAlpha(color, 0.2))
            fade.addColorStop(1, withAlpha(color, 0))
            return fade
          },
        }
      }),
    ],
    plugins: [tooltip(format)],
  }
}

/**
 * A colour of the tokens, `oklch(l c h)`, with transparency: canvas gradients need colours that differ only in alpha.
 */
function withAlpha(color: string, alpha: number): string {
  return color.replace(/\)$/, ` / ${alpha})`)
}

/** Shows the values under the pointer. */
function tooltip(format: (value: number) => string): uPlot.Plugin {
  const sheet = document.createElement('div')
  sheet.className =
    'pointer-events-none absolute z-10 hidden rounded-md border border-line bg-raised px-2.5 py-1.5 text-xs whitespace-nowrap text-ink shadow-2'
  return {
    hooks: {
      init: plot => {
        plot.over.append(sheet)
      },
      setCursor: plot => {
        const index = plot.cursor.idx
        const left = plot.cursor.left ?? -1
        const time = typeof index === 'number' ? plot.data[0][index] : undefined
        if (typeof index !== 'number' || time === undefined || left < 0) {
          sheet.style.display = 'none'
          return
        }
        const lines = plot.series
          .slice(1)
          .map(
            (one, at) => `${typeof one.label === 'string' ? one.label : ''} ${format(plot.data[at + 1]?.[index] ?? 0)}`,
          )
        sheet.textContent = `${clock.format(time * 1000)}  ·  ${lines.join('  ·  ')}`
        sheet.style.display = 'block'
        const room = plot.over.clientWidth - sheet.offsetWidth - 8
        sheet.style.left = `${Math.max(0, Math.min(room, left + 10))}px`
        sheet.style.top = '4px'
      },
    },
  }
}
