import { type LinkProps, useRouter } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { IconName } from '../ui/Icon.tsx'

/** A section of the console: an entry in the sidebar, the command palette and the shortcuts. */
interface Section {
  readonly label: string
  readonly icon: IconName
  /** Pressed after `g`. */
  readonly key: string
  /** A phone's bar has room only for the first rank; `workspace` is for sections that belong to no single cluster. */
  readonly rank: 'first' | 'second' | 'workspace'
}

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    readonly section?: Section
  }
}

export interface SectionLink extends Section {
  readonly to: NonNullable<LinkProps['to']>
}

/** The sections in the order of the router's pages. */
export function useSections(): readonly SectionLink[] {
  const { routesById } = useRouter()
  return useMemo(
    () =>
      Object.values(routesById).flatMap(route => {
        const section = route.options.staticData?.section
        return section === undefined ? [] : [{ ...section, to: route.fullPath }]
      }),
    [routesById],
  )
}
