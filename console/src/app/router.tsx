import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { oneOf, readListSearch, wholeNumber } from './search.ts'
import './sections.ts'
import { Shell } from './Shell.tsx'
import { PageCrashed, PageLoading, PageNotFound } from './SystemPages.tsx'

const topicTabs = ['messages', 'partitions', 'configuration'] as const
const pipelineTabs = ['configuration', 'activity'] as const

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: PageNotFound })
const getParentRoute = () => rootRoute

/** Every page of the site. One with a `section` is in the side bar, the command palette and the shortcuts, in this order. */
const pages = {
  overview: createRoute({
    getParentRoute,
    path: '/',
    staticData: { section: { label: 'Overview', icon: 'overview', key: 'o' } },
    component: lazyRouteComponent(() => import('../pages/overview/OverviewPage.tsx')),
  }),
  topics: createRoute({
    getParentRoute,
    path: '/topics',
    staticData: { section: { label: 'Topics', icon: 'topics', key: 't' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/topics/TopicsPage.tsx')),
  }),
  topic: createRoute({
    getParentRoute,
    path: '/topics/$topicName',
    validateSearch: (search: Record<string, unknown>) => ({
      ...oneOf(search, 'tab', topicTabs),
      ...wholeNumber(search, 'partition'),
      ...wholeNumber(search, 'offset'),
      ...(search['follow'] === true ? { follow: true } : {}),
    }),
    component: lazyRouteComponent(() => import('../pages/topics/TopicPage.tsx')),
  }),
  pipelines: createRoute({
    getParentRoute,
    path: '/pipelines',
    staticData: { section: { label: 'Pipelines', icon: 'pipelines', key: 'p' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/pipelines/PipelinesPage.tsx')),
  }),
  pipeline: createRoute({
    getParentRoute,
    path: '/pipelines/$pipelineId',
    validateSearch: (search: Record<string, unknown>) => ({
      ...oneOf(search, 'tab', pipelineTabs),
      ...wholeNumber(search, 'version'),
      ...wholeNumber(search, 'compare'),
    }),
    component: lazyRouteComponent(() => import('../pages/pipelines/PipelinePage.tsx')),
  }),
  consumers: createRoute({
    getParentRoute,
    path: '/consumers',
    staticData: { section: { label: 'Consumers', icon: 'consumers', key: 'c' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/consumers/ConsumersPage.tsx')),
  }),
  consumer: createRoute({
    getParentRoute,
    path: '/consumers/$groupId',
    component: lazyRouteComponent(() => import('../pages/consumers/ConsumerPage.tsx')),
  }),
  agents: createRoute({
    getParentRoute,
    path: '/agents',
    staticData: { section: { label: 'Agents', icon: 'agents', key: 'a' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/agents/AgentsPage.tsx')),
  }),
  agent: createRoute({
    getParentRoute,
    path: '/agents/$agentId',
    component: lazyRouteComponent(() => import('../pages/agents/AgentPage.tsx')),
  }),
}

/** The whole site. */
export const router = createRouter({
  routeTree: rootRoute.addChildren(pages),
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
