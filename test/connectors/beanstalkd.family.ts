import type { Family } from './family.ts'

const beanstalkd: Family = {
  summary: 'beanstalkd: a server for each test, which the tests start',
  folders: ['src/components/beanstalkd'],
  debian: { beanstalkd: 'beanstalkd' },
  start: () =>
    Promise.resolve({ environment: { PENSTOCK_TEST_BEANSTALKD: 'beanstalkd' }, close: () => Promise.resolve() }),
}

export default beanstalkd
