import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'

/** In pixels; the class below sets the same height. */
const lineHeight = 20
const paddingX = 12

/**
 * A long text in rows of equal height, of which only those in view are rendered: megabytes cost no more than a page.
 */
export function RowsView({
  label,
  rowsFor,
}: {
  label: string
  /** Makes the rows for a width in characters; they are made again when this function changes. */
  rowsFor: (width: number) => { readonly count: number; readonly row: (at: number) => string }
}) {
  const box = useRef<HTMLDivElement>(null)
  const probe = useRef<HTMLSpanElement>(null)
  const width = useCharactersPerLine(box, probe)
  const { count, row } = useMemo(() => rowsFor(width), [rowsFor, width])
  // oxlint-disable-next-line react/incompatible-library -- the compiler that it concerns is not used here
  const lines = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  })
  return (
    <div
      ref={box}
      role="region"
      aria-label={label}
      tabIndex={0}
      className="max-h-96 relative overflow-x-hidden overflow-y-auto py-2 font-mono text-xs focus-visible:-outline-offset-2"
    >
      <span ref={probe} aria-hidden="true" className="invisible absolute">
        {probeText}
      </span>
      <div className="relative" style={{ height: lines.getTotalSize() }}>
        {lines.getVirtualItems().map(({ index, start }) => (
          <pre
            key={index}
            className="absolute top-0 left-0 px-3 leading-5"
            style={{ transform: `translateY(${start}px)` }}
          >
            {row(index)}
          </pre>
        ))}
      </div>
    </div>
  )
}

const probeText = '0'.repeat(50)

/** How many monospaced characters fit in a box; `probe` contains the probe text. */
function useCharactersPerLine(
  box: { readonly current: HTMLElement | null },
  probe: { readonly current: HTMLElement | null },
): number {
  const [characters, setCharacters] = useState(80)
  useEffect(() => {
    const [outer, inner] = [box.current, probe.current]
    if (outer === null || inner === null) return undefined
    const measure = () => {
      const one = inner.getBoundingClientRect().width / probeText.length
      if (one > 0) setCharacters(Math.max(20, Math.floor((outer.clientWidth - 2 * paddingX) / one)))
    }
    // The size of the probe changes when the font has loaded.
    const observer = new ResizeObserver(measure)
    observer.observe(outer)
    observer.observe(inner)
    return () => observer.disconnect()
  }, [box, probe])
  return characters
}
