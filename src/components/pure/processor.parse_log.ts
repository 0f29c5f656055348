import { ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'
import { parseRfc3164, parseRfc5424, type SyslogFields, SyslogError } from './syslog.ts'

export default defineProcessor({
  name: 'parse_log',
  categories: ['Parsing'],
  summary: 'Takes lines of syslog apart.',
  description:
    'The body becomes a document with `message`, `timestamp` (RFC 3339), `facility`, `severity`, `priority`, `version`, `hostname`, `procid`, `appname`, `msgid` and `structureddata`, as far as the line has them. With `syslog_rfc3164`, unlike in the original, timestamps of RFC 3339 may have a fraction, messages may contain tabs and line breaks, and brackets in a message say nothing about the process.',
  config: field.object({
    format: field.string('The format of the lines.').options({
      syslog_rfc5424: 'The syslog of RFC 5424.',
      syslog_rfc3164: 'The older one of RFC 3164.',
    }),
    best_effort: field
      .bool(
        'Whether a line of `syslog_rfc3164` without a whole timestamp yields its priority. Other broken lines are flagged either way.',
      )
      .default(true)
      .advanced(),
    allow_rfc3339: field
      .bool('Whether timestamps may be of RFC 3339 where the format is `syslog_rfc3164`.')
      .default(true)
      .advanced(),
    default_year: field
      .string('The year of timestamps that have none: a number, or `current`; none leaves the year 0.')
      .default('current')
      .advanced(),
    default_timezone: field
      .string('The time zone that timestamps without one are converted to; they are read as UTC.')
      .default('UTC')
      .advanced(),
    codec: field.string('Has no meaning.').optional().deprecated(),
  }),
  examples: [
    {
      title: 'A line of RFC 5424',
      config: 'parse_log:\n  format: syslog_rfc5424\n',
      input: ['<34>1 2003-10-11T22:14:15.003Z host su - ID47 - hello'],
      output: [
        '{"appname":"su","facility":4,"hostname":"host","message":"hello","msgid":"ID47","priority":34,"severity":2,"timestamp":"2003-10-11T22:14:15.003Z","version":1}',
      ],
    },
  ],
  create(config, resources) {
    const { host } = resources
    if (config.default_year !== 'current' && config.default_year !== '' && !/^-?\d+$/.test(config.default_year)) {
      throw new ConfigError(`failed to convert year ${config.default_year} into integer`)
    }
    const year = () => {
      if (config.default_year === '') return 0
      if (config.default_year !== 'current') return Number(config.default_year)
      return new Date(Number(host.now() / 1_000_000n)).getUTCFullYear()
    }
    const inZone = expression(`this.ts_tz(${quoted(config.default_timezone || 'UTC')}).string()`, host)
    const zoned = (time: string) => String(inZone(time))
    const parse = (line: string): SyslogFields =>
      config.format === 'syslog_rfc5424'
        ? parseRfc5424(line)
        : parseRfc3164(line, { allowsRfc3339: config.allow_rfc3339, year, zoned })
    return {
      ...perMessage(message => {
        try {
          return message.withDocument(parse(Buffer.from(message.bytes()).toString('latin1')))
        } catch (error) {
          if (config.best_effort && error instanceof SyslogError && error.fields !== undefined) {
            return message.withDocument(error.fields)
          }
          return resources.fail(message, error)
        }
      }),
    }
  },
})
