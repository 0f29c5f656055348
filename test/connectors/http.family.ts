import type { Family } from './family.ts'

const http: Family = {
  summary: 'HTTP: servers of the tests',
  folders: ['src/components/http'],
  start: () => Promise.resolve({ environment: { PENSTOCK_TEST_HTTP: 'own' }, close: () => Promise.resolve() }),
}

export default http
