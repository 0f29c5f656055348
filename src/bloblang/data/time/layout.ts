/** One step of a Go layout: literal text followed by an element; null at the end. */
export interface LayoutStep {
  readonly literal: string
  readonly element: LayoutElement | null
}

/** A part of a layout that represents a part of the time. */
export interface LayoutElement {
  /** As written in the layout: `2006`, `Jan`, `.000` … */
  readonly text: string
  readonly kind: ElementKind
}

/** What an element represents, named as in Go's reference time; `.0` fractions keep trailing zeros, `.9` drop them. */
type ElementKind =
  | 'January'
  | 'Jan'
  | '1'
  | '01'
  | 'Monday'
  | 'Mon'
  | '2'
  | '_2'
  | '02'
  | '__2'
  | '002'
  | '15'
  | '3'
  | '03'
  | '4'
  | '04'
  | '5'
  | '05'
  | '2006'
  | '06'
  | 'PM'
  | 'pm'
  | 'MST'
  | 'Z'
  | '-'
  | '.0'
  | '.9'

const ELEMENT = new RegExp(
  [
    'January',
    'Jan(?![a-z])',
    'Monday',
    'Mon(?![a-z])',
    'MST',
    '0[1-6]',
    '002',
    '15',
    '1',
    '2006',
    '2',
    '_2(?!006)',
    '__2',
    '3',
    '4',
    '5',
    'PM',
    'pm',
    '[-Z]070000',
    '[-Z]07:00:00',
    '[-Z]0700',
    '[-Z]07:00',
    '[-Z]07',
    '[.,](?:0+|9+)(?!\\d)',
  ].join('|'),
  'g',
)

const known = new Map<string, readonly LayoutStep[]>()
const MAX_KNOWN = 1000

/** Splits a Go layout into steps: `Jan 2, 2006` … */
export function parseLayout(layout: string): readonly LayoutStep[] {
  let steps = known.get(layout)
  if (steps === undefined) {
    if (known.size >= MAX_KNOWN) known.clear()
    steps = splitLayout(layout)
    known.set(layout, steps)
  }
  return steps
}

function splitLayout(layout: string): readonly LayoutStep[] {
  const steps: LayoutStep[] = []
  let from = 0
  for (const match of layout.matchAll(ELEMENT)) {
    steps.push({ literal: layout.slice(from, match.index), element: { text: match[0], kind: kindOf(match[0]) } })
    from = match.index + match[0].length
  }
  steps.push({ literal: layout.slice(from), element: null })
  return steps
}

function kindOf(text: string): ElementKind {
  const first = text[0]!
  if (first === 'Z' || first === '-') return first
  if (first === '.' || first === ',') return text[1] === '0' ? '.0' : '.9'
  return text as ElementKind // matched among the kinds of elements
}
