import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Shell } from './Shell.tsx'
import { PageCrashed, PageLoading, PageNotFound } from './SystemPages.tsx'

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: PageNotFound })

export const topicTabs = ['messages', 'partitions', 'configuration'] as const
export const pipelineTabs = ['configuration', 'activity'] as const

const overviewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/overview/OverviewPage.tsx')),
})

const topicsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics',
  validateSearch: readCreateSearch,
  component: lazyRouteComponent(() => import('../pages/topics/TopicsPage.tsx')),
})

const topicRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics/$topicName',
  validateSearch: (search: Record<string, unknown>) => ({
    ...oneOf(search, 'tab', topicTabs),
    ...wholeNumber(search, 'partition'),
    ...wholeNumber(search, 'offset'),
    ...(search['follow'] === true ? { follow: true } : {}),
  }),
  component: lazyRouteComponent(() => import('../pages/topics/TopicPage.tsx')),
})

const pipelinesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/pipelines',
  validateSearch: readCreateSearch,
  component: lazyRouteComponent(() => import('../pages/pipelines/PipelinesPage.tsx')),
})

const pipelineRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/pipelines/$pipelineId',
  validateSearch: (search: Record<string, unknown>) => ({
    ...oneOf(search, 'tab', pipelineTabs),
    ...wholeNumber(search, 'version'),
    ...wholeNumber(search, 'compare'),
  }),
  component: lazyRouteComponent(() => import('../pages/pipelines/PipelinePage.tsx')),
})

const consumersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/consumers',
  component: lazyRouteComponent(() => import('../pages/consumers/ConsumersPage.tsx')),
})

const consumerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/consumers/$groupId',
  component: lazyRouteComponent(() => import('../pages/consumers/ConsumerPage.tsx')),
})

const agentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/agents',
  component: lazyRouteComponent(() => import('../pages/agents/AgentsPage.tsx')),
})

/** The whole site. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    overviewRoute,
    topicsRoute,
    topicRoute,
    pipelinesRoute,
    pipelineRoute,
    consumersRoute,
    consumerRoute,
    agentsRoute,
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: PageCrashed,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** `?create=true` opens the form on a list page, so that the command palette can link to it. */
function readCreateSearch(search: Record<string, unknown>): { create?: true } {
  return search['create'] === true ? { create: true } : {}
}

function oneOf<Key extends string, Value extends string>(
  search: Record<string, unknown>,
  key: Key,
  values: readonly Value[],
): { [K in Key]?: Value } {
  const value = values.find(candidate => candidate === search[key])
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}

function wholeNumber<Key extends string>(search: Record<string, unknown>, key: Key): { [K in Key]?: number } {
  const value = search[key]
  const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  return (fits ? { [key]: value } : {}) as { [K in Key]?: number }
}
