/** Drawn on a 24 × 24 grid with strokes of 1.75, in the text's colour. */
const paths = {
  overview: 'M4 13h6V4H4v9Zm0 7h6v-4H4v4Zm10 0h6v-9h-6v9Zm0-16v4h6V4h-6Z',
  topics: 'M4 6.5h16M4 12h16M4 17.5h10',
  pipelines: 'M3 7h7a4 4 0 0 1 4 4v2a4 4 0 0 0 4 4h3M3 12h3.5M17.5 7H21M18.5 14.5 21 17l-2.5 2.5',
  consumers:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6.5 9a6.5 6.5 0 0 1 13 0M16 4.6a3.5 3.5 0 0 1 0 5.9M18 14.5a6.5 6.5 0 0 1 3.5 5.5',
  agents: 'M4 4h16v6H4V4Zm0 10h16v6H4v-6Zm3.5-7h.01M7.5 17h.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm9 2-4-4',
  plus: 'M12 5v14M5 12h14',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h11v11H9V9Zm-3 6H4V4h11v2',
  chevronRight: 'm9 5.5 6.5 6.5L9 18.5',
  chevronDown: 'm5.5 9 6.5 6.5L18.5 9',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  warning:
    'M12 9v4.5m0 3h.01M10.4 4.3 2.8 17.5A1.9 1.9 0 0 0 4.4 20.3h15.2a1.9 1.9 0 0 0 1.6-2.8L13.6 4.3a1.9 1.9 0 0 0-3.2 0Z',
  error: 'M12 7.5v5m0 4h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  info: 'M12 11v5.5m0-9h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  play: 'M7 4.8v14.4L19 12 7 4.8Z',
  pause: 'M8 5v14M16 5v14',
  trash: 'M4 7h16M9.5 7V4h5v3M6 7l1 13h10l1-13M10 11v5.5M14 11v5.5',
  sun: 'M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM12 2v2M12 20v2M4.2 4.2l1.4 1.4M18.4 18.4l1.4 1.4M2 12h2M20 12h2M4.2 19.8l1.4-1.4M18.4 5.6l1.4-1.4',
  moon: 'M20 14.2A8.3 8.3 0 0 1 9.8 4 8.3 8.3 0 1 0 20 14.2Z',
  system: 'M3.5 5h17v11h-17V5ZM9 20h6M12 16v4',
  signOut: 'M14 8V4H4v16h10v-4M9 12h12M17.5 8.5 21 12l-3.5 3.5',
  keyboard: 'M2.5 6h19v12h-19V6ZM6 10h.01M10 10h.01M14 10h.01M18 10h.01M7.5 14h9',
  compare: 'M4 5h6v14H4V5Zm10 0h6v14h-6V5Z',
  save: 'M5 4h11l4 4v12H4V4h1ZM8 4v5h7V4M8 20v-6h8v6',
  deploy: 'M12 15V4M7.5 8.5 12 4l4.5 4.5M4 15v5h16v-5',
  book: 'M4 5.5A2.5 2.5 0 0 1 6.5 3H20v15H6.5A2.5 2.5 0 0 0 4 20.5v-15Zm0 15A2.5 2.5 0 0 0 6.5 21H20v-3',
  refresh: 'M20 11.5A8 8 0 0 0 5.7 7M4 4v4h4M4 12.5A8 8 0 0 0 18.3 17m1.7 3v-4h-4',
  clock: 'M12 7v5l3.5 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  arrowRight: 'M4 12h16M13.5 5.5 20 12l-6.5 6.5',
  arrowDown: 'M12 4v16M5.5 13.5 12 20l6.5-6.5',
  inbox: 'M3.5 13 6 5h12l2.5 8v6h-17v-6Zm0 0H9l1.2 2.5h3.6L15 13h5.5',
  external: 'M13 5h6v6M19 5l-9 9M10 5H5v14h14v-5',
  terminal: 'm5 7 5 5-5 5M12.5 17H19',
  edit: 'M4 20h4L19.5 8.5l-4-4L4 16v4ZM13.5 6.5l4 4',
  download: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M4 19h16',
  reset: 'M4.5 12a7.5 7.5 0 1 0 2.6-5.7M4 4v4.5h4.5',
  send: 'M4 12 20 4l-5 16-3.5-6.5L4 12Zm7.5 1.5L20 4',
  shield: 'M12 3 4.5 6v5.5c0 4.6 3.2 8 7.5 9.5 4.3-1.5 7.5-4.9 7.5-9.5V6L12 3Z',
  settings:
    'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm-7 10a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  clusters: 'M12 3.5 21 8l-9 4.5L3 8l9-4.5ZM3 12.5l9 4.5 9-4.5M3 16.5l9 4.5 9-4.5',
  key: 'M8 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm4.5-4.5H21v3.5M17 12v2.5',
  chevronsUpDown: 'm8 9.5 4-4 4 4M8 14.5l4 4 4-4',
  enter: 'M20 6v7H5M9.5 8.5 5 13l4.5 4.5',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={name === 'play' ? 'currentColor' : 'none'}
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.6 : 1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`shrink-0 ${className ?? ''}`}
    >
      <path d={paths[name]} />
    </svg>
  )
}

/** The logo: two pipes from the reservoir to the turbine. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" className="shrink-0">
      <rect width="32" height="32" rx="8" fill="#0b7285" />
      <path d="M6 9.5h9a7 7 0 0 1 7 7V23" fill="none" stroke="#fff" strokeWidth="3.2" strokeLinecap="round" />
      <path d="M6 15.5h7a3 3 0 0 1 3 3V23" fill="none" stroke="#99e9f2" strokeWidth="3.2" strokeLinecap="round" />
      <path d="M13 26.5h12" stroke="#fff" strokeWidth="3.2" strokeLinecap="round" />
    </svg>
  )
}
