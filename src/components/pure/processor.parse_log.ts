import { ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'
import { parseRfc3164, parseRfc5424, type SyslogFields, SyslogError } from './syslog.ts'

export default defineProcessor({
  name: 'parse_log',
  categories: ['Parsing'],
  summary: 'Parses syslog lines into documents.',
  description:
    'The body becomes a document with `message`, `timestamp` (RFC 3339), `facility`, `severity`, `priority`, `version`, `hostname`, `procid`, `appname`, `msgid` and `structureddata`, as far as the line has them. Unlike in the original, with `syslog_rfc3164` RFC 3339 timestamps may have a fraction, messages may contain tabs and line breaks, and brackets within the message are not taken for a process id.',
  config: field.object({
    format: field.string('The format of the lines.').options({
      syslog_rfc5424: 'Syslog as of RFC 5424.',
      syslog_rfc3164: 'The older syslog format of RFC 3164.',
    }),
    best_effort: field
      .bool(
        'Whether a `syslog_rfc3164` line without a complete timestamp still yields its priority. Other malformed lines are flagged as failed either way.',
      )
      .default(true)
      .advanced(),
    allow_rfc3339: field.bool('Whether `syslog_rfc3164` also accepts RFC 3339 timestamps.').default(true).advanced(),
    default_year: field
      .string('The year of timestamps without one: a number, or `current`; if empty, the year is 0.')
      .default('current')
      .advanced(),
    default_timezone: field
      .string('The time zone that timestamps without one are converted to; they are read as UTC.')
      .default('UTC')
      .advanced(),
    codec: field.string('Has no effect.').optional().deprecated(),
  }),
  examples: [
    {
      title: 'Parsing an RFC 5424 line',
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
