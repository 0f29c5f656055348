import type { ReactNode } from 'react'

/** The body of a page that scrolls: a title, what can be done, and the content below. */
export function Page({
  name,
  title,
  description,
  actions,
  children,
}: {
  /** The page's name in the browser's tab and history. */
  name: string
  /** What stands above the page, where that is more than its name. */
  title?: ReactNode
  description?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <div data-scroll-restoration-id="page" className="h-full overflow-y-auto [scrollbar-gutter:stable]">
      <div className="mx-auto w-full max-w-6xl px-4 pt-6 pb-16 sm:px-8">
        <PageHeader name={name} title={title} description={description} actions={actions} />
        <div className="mt-5 flex flex-col gap-5">{children}</div>
      </div>
    </div>
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
    <header className="flex min-h-10 flex-wrap items-center gap-x-4 gap-y-3">
      <title>{`${name} · Penstock`}</title>
      <div className="min-w-0 flex-1 basis-64">
        <h1 className="flex min-w-0 items-center gap-2.5 text-xl font-semibold tracking-tight">{title}</h1>
        {description !== undefined && <p className="mt-0.5 text-sm text-muted">{description}</p>}
      </div>
      {actions !== undefined && <div className="flex items-center gap-2">{actions}</div>}
    </header>
  )
}
