import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from '@tanstack/react-router'
import { oneOf, readCluster, readListSearch, wholeNumber } from './search.ts'
import './sections.ts'
import { Shell } from './Shell.tsx'
import { PageCrashed, PageLoading, PageNotFound } from './SystemPages.tsx'

const topicTabs = ['messages', 'partitions', 'configuration'] as const
const pipelineTabs = ['configuration', 'activity'] as const
const securityTabs = ['users', 'acls'] as const

const rootRoute = createRootRoute({
  // The cluster stays in the URL from page to page, so that a link shows others the same one.
  validateSearch: readCluster,
  search: { middlewares: [retainSearchParams(['cluster'])] },
  component: Shell,
  notFoundComponent: PageNotFound,
})
const getParentRoute = () => rootRoute

/** Every page. One with a `section` is in the sidebar, the command palette and the shortcuts, in this order. */
const pages = {
  overview: createRoute({
    getParentRoute,
    path: '/',
    staticData: { section: { label: 'Overview', icon: 'overview', key: 'o', rank: 'first' } },
    component: lazyRouteComponent(() => import('../pages/overview/OverviewPage.tsx')),
  }),
  topics: createRoute({
    getParentRoute,
    path: '/topics',
    staticData: { section: { label: 'Topics', icon: 'topics', key: 't', rank: 'first' } },
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
    staticData: { section: { label: 'Pipelines', icon: 'pipelines', key: 'p', rank: 'first' } },
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
    staticData: { section: { label: 'Consumers', icon: 'consumers', key: 'c', rank: 'first' } },
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
    staticData: { section: { label: 'Agents', icon: 'agents', key: 'a', rank: 'first' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/agents/AgentsPage.tsx')),
  }),
  agent: createRoute({
    getParentRoute,
    path: '/agents/$agentId',
    component: lazyRouteComponent(() => import('../pages/agents/AgentPage.tsx')),
  }),
  security: createRoute({
    getParentRoute,
    path: '/security',
    staticData: { section: { label: 'Security', icon: 'shield', key: 's', rank: 'second' } },
    validateSearch: (search: Record<string, unknown>) => ({
      ...readListSearch(search),
      ...oneOf(search, 'tab', securityTabs),
    }),
    component: lazyRouteComponent(() => import('../pages/security/SecurityPage.tsx')),
  }),
  settings: createRoute({
    getParentRoute,
    path: '/settings',
    staticData: { section: { label: 'Settings', icon: 'settings', key: 'e', rank: 'second' } },
    component: lazyRouteComponent(() => import('../pages/clusters/SettingsPage.tsx')),
  }),
  clusters: createRoute({
    getParentRoute,
    path: '/clusters',
    staticData: { section: { label: 'Clusters', icon: 'clusters', key: 'v', rank: 'workspace' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/clusters/ClustersPage.tsx')),
  }),
  apiKeys: createRoute({
    getParentRoute,
    path: '/api-keys',
    staticData: { section: { label: 'API keys', icon: 'key', key: 'k', rank: 'workspace' } },
    validateSearch: readListSearch,
    component: lazyRouteComponent(() => import('../pages/api-keys/ApiKeysPage.tsx')),
  }),
}

/** The router of all pages. */
export const router = createRouter({
  routeTree: rootRoute.addChildren(pages),
  defaultPreload: 'intent',
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: PageCrashed,
  scrollRestoration: true,
})

/** Loads the code of all pages, so that a page can be opened for the first time even without the control plane. */
export function preloadPages(): void {
  for (const page of Object.values(pages)) void page.options.component?.preload?.()
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
