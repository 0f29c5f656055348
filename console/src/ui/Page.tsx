import { createContext, type ReactNode, useContext, useState } from 'react'
import { classNames } from './class-names.ts'

const ScrollerContext = createContext<HTMLElement | null>(null)

/** The element that scrolls the page, for lists that render only the rows in view; null until it is in the document. */
export function usePageScroller(): HTMLElement | null {
  return useContext(ScrollerContext)
}

/** A scroll container; its position is restored by the browser's back button. */
function Scroller({ id, className, children }: { id: string; className: string; children: ReactNode }) {
  // State rather than a ref, so that a list mounted in the same step renders again once the element exists.
  const [box, setBox] = useState<HTMLElement | null>(null)
  return (
    <ScrollerContext value={box}>
      <div
        ref={setBox}
        data-scroll-restoration-id={id}
        className={classNames('overflow-y-auto [scrollbar-gutter:stable]', className)}
      >
        {children}
      </div>
    </ScrollerContext>
  )
}

/** A scrolling page: a title, its actions, and the content below. */
export function Page({
  name,
  title,
  description,
  actions,
  children,
}: {
  /** The page's name in the browser's tab and history. */
  name: string
  /** The heading, if it shows more than the name. */
  title?: ReactNode
  description?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <Scroller id="page" className="h-full">
      <div className="mx-auto w-full max-w-6xl px-4 pt-4 pb-16 sm:px-8 sm:pt-6">
        <PageHeader name={name} title={title} description={description} actions={actions} />
        <div className="mt-5 flex flex-col gap-5">{children}</div>
      </div>
    </Scroller>
  )
}

export function PageHeader({
  name,
  title = name,
  description,
  actions,
}: {
  name: string
  title?: ReactNode
  description?: ReactNode
  actions?: ReactNode
}) {
  return (
    <header className="flex min-h-10 items-start gap-x-3">
      <title>{`${name} · Penstock`}</title>
      <div className="min-w-0 flex-1">
        <h1 className="flex min-h-8 min-w-0 items-center gap-2.5 text-xl font-semibold tracking-tight">{title}</h1>
        {description !== undefined && <p className="mt-0.5 text-sm text-muted">{description}</p>}
      </div>
      {actions !== undefined && <div className="flex shrink-0 items-center gap-2">{actions}</div>}
    </header>
  )
}
