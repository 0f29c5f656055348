import { formatRfc3339 } from '../../data/time/format.ts'
import { LOCAL } from '../../data/time/zone.ts'
import { Timestamp } from '../../value.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'now',
  categories: ['Environment'],
  status: 'stable',
  description:
    'Returns the current time as an RFC 3339 string in the local time zone. Use `ts_format` for another format or zone.',
  params: [],
  examples: [['root.recent = now().ts_unix() > 1600000000', '{}', '{"recent":true}']],
  create(_, host) {
    return () => formatRfc3339(new Timestamp(host.now(), LOCAL))
  },
})
