import type { Family } from './family.ts'

const http: Family = {
  summary: 'HTTP, and the bulk API of search servers: servers of the tests',
  folders: ['src/components/http', 'src/components/elasticsearch'],
  start: () => Promise.resolve({ environment: { PENSTOCK_TEST_HTTP: 'own' }, close: () => Promise.resolve() }),
}

export default http
