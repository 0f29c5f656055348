/**
 * The patterns available to every configuration unless `use_default_patterns` is false: those of the original, which
 * are those of Logstash as far as RE2 can express them.
 */
export const defaultPatterns: Readonly<Record<string, string>> = {
  ...names(),
  ...numbers(),
  ...texts(),
  ...addresses(),
  ...paths(),
  ...times(),
  ...logs(),
}

function names(): Record<string, string> {
  return {
    USERNAME: '[a-zA-Z0-9._-]+',
    USER: '%{USERNAME}',
    EMAILLOCALPART: '[a-zA-Z][a-zA-Z0-9_.+-=:]+',
    EMAILADDRESS: '%{EMAILLOCALPART}@%{HOSTNAME}',
    HTTPDUSER: '%{EMAILADDRESS}|%{USER}',
  }
}

function numbers(): Record<string, string> {
  return {
    INT: '(?:[+-]?(?:[0-9]+))',
    BASE10NUM: '([+-]?(?:[0-9]+(?:\\.[0-9]+)?)|\\.[0-9]+)',
    NUMBER: '(?:%{BASE10NUM})',
    BASE16NUM: '(0[xX]?[0-9a-fA-F]+)',
    POSINT: '\\b(?:[1-9][0-9]*)\\b',
    NONNEGINT: '\\b(?:[0-9]+)\\b',
  }
}

function texts(): Record<string, string> {
  const quotedBy = (quote: string) => `${quote}([^${quote}\\\\]*(\\\\.[^${quote}\\\\]*)*)${quote}`
  const hex = (digits: number) => `[A-Fa-f0-9]{${digits}}`
  return {
    WORD: '\\b\\w+\\b',
    NOTSPACE: '\\S+',
    SPACE: '\\s*',
    DATA: '.*?',
    GREEDYDATA: '.*',
    QUOTEDSTRING: `${quotedBy('"')}|${quotedBy("\\'")}`,
    QS: '%{QUOTEDSTRING}',
    UUID: `${hex(8)}-(?:${hex(4)}-){3}${hex(12)}`,
  }
}

function addresses(): Record<string, string> {
  const label = '(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})'
  const octet = '(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)'
  return {
    MAC: '(?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})',
    CISCOMAC: '(?:(?:[A-Fa-f0-9]{4}\\.){2}[A-Fa-f0-9]{4})',
    WINDOWSMAC: '(?:(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2})',
    COMMONMAC: '(?:(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2})',
    IPV6: ipv6(),
    IPV4: `(?:${octet}\\.){3}${octet}`,
    IP: '(?:%{IPV6}|%{IPV4})',
    HOSTNAME: `\\b${label}(?:\\.${label})*(\\.?|\\b)`,
    HOST: '%{HOSTNAME}',
    IPORHOST: '(?:%{IP}|%{HOSTNAME})',
    HOSTPORT: '%{IPORHOST}:%{POSINT}',
  }
}

/**
 * An IPv6 address has up to seven groups, followed by as many more as the abbreviation `::` permits, the last of which
 * may be an IPv4 address. The longest run of groups is tried first.
 */
function ipv6(): string {
  const group = '[0-9A-Fa-f]{1,4}'
  const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
  const ipv4 = `${octet}(\\.${octet}){3}`
  const leading = (count: number) => (count === 0 ? ':' : `(${group}:){${count}}`)
  const ending = (count: number) => {
    if (count === 7) return `(${group}|:)`
    if (count === 6) return `(:${group}|(${ipv4})|:)`
    const before = 5 - count
    const rest = `((:${group}){1,${7 - count}})`
    const skipped = before === 0 ? '' : before === 1 ? `(:${group})?` : `((:${group}){0,${before}})`
    return `(${rest}|(${skipped}:${ipv4})|:)`
  }
  const alternatives = [7, 6, 5, 4, 3, 2, 1, 0].map(count => `(${leading(count)}${ending(count)})`)
  return `(${alternatives.join('|')})(%.+)?`
}

function paths(): Record<string, string> {
  return {
    PATH: '(?:%{UNIXPATH}|%{WINPATH})',
    UNIXPATH: '(/[\\w_%!$@:.,-]?/?)(\\S+)?',
    TTY: '(?:/dev/(pts|tty([pq])?)(\\w+)?/?(?:[0-9]+))',
    WINPATH: '([A-Za-z]:|\\\\)(?:\\\\[^\\\\?*]*)+',
    URIPROTO: '[A-Za-z]+(\\+[A-Za-z+]+)?',
    URIHOST: '%{IPORHOST}(?::%{POSINT:port})?',
    URIPATH: "(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%_\\-]*)+",
    URIPARAM: "\\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\\-\\[\\]<>]*",
    URIPATHPARAM: '%{URIPATH}(?:%{URIPARAM})?',
    URI: '%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?',
  }
}

function times(): Record<string, string> {
  const months = [
    'Jan(?:uary|uar)?',
    'Feb(?:ruary|ruar)?',
    'M(?:a|ä)?r(?:ch|z)?',
    'Apr(?:il)?',
    'Ma(?:y|i)?',
    'Jun(?:e|i)?',
    'Jul(?:y)?',
    'Aug(?:ust)?',
    'Sep(?:tember)?',
    'O(?:c|k)?t(?:ober)?',
    'Nov(?:ember)?',
    'De(?:c|z)(?:ember)?',
  ]
  const days = ['Mon', 'Tue(?:s', 'Wed(?:nes', 'Thu(?:rs', 'Fri', 'Sat(?:ur', 'Sun']
  return {
    MONTH: `\\b(?:${months.join('|')})\\b`,
    MONTHNUM: '(?:0?[1-9]|1[0-2])',
    MONTHNUM2: '(?:0[1-9]|1[0-2])',
    MONTHDAY: '(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])',
    DAY: `(?:${days.map(day => (day.includes('(') ? `${day}day)?` : `${day}(?:day)?`)).join('|')})`,
    YEAR: '(\\d\\d){1,2}',
    HOUR: '(?:2[0123]|[01]?[0-9])',
    MINUTE: '(?:[0-5][0-9])',
    SECOND: '(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?)',
    TIME: '([^0-9]?)%{HOUR}:%{MINUTE}(?::%{SECOND})([^0-9]?)',
    DATE_US: '%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}',
    DATE_EU: '%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}',
    ISO8601_TIMEZONE: '(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))',
    ISO8601_SECOND: '(?:%{SECOND}|60)',
    TIMESTAMP_ISO8601: '%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?',
    DATE: '%{DATE_US}|%{DATE_EU}',
    DATESTAMP: '%{DATE}[- ]%{TIME}',
    TZ: '(?:[PMCE][SD]T|UTC)',
    DATESTAMP_RFC822: '%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}',
    DATESTAMP_RFC2822: '%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}',
    DATESTAMP_OTHER: '%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}',
    DATESTAMP_EVENTLOG: '%{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}',
    HTTPDERROR_DATE: '%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{YEAR}',
    SYSLOGTIMESTAMP: '%{MONTH} +%{MONTHDAY} %{TIME}',
    HTTPDATE: '%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}',
  }
}

function logs(): Record<string, string> {
  const request = '"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})"'
  return {
    PROG: '[\\x21-\\x5a\\x5c\\x5e-\\x7e]+',
    SYSLOGPROG: '%{PROG:program}(?:\\[%{POSINT:pid}\\])?',
    SYSLOGHOST: '%{IPORHOST}',
    SYSLOGFACILITY: '<%{NONNEGINT:facility}.%{NONNEGINT:priority}>',
    SYSLOGBASE: '%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:',
    COMMONAPACHELOG: `%{IPORHOST:clientip} %{HTTPDUSER:ident} %{USER:auth} \\[%{HTTPDATE:timestamp}\\] ${request} %{NUMBER:response} (?:%{NUMBER:bytes}|-)`,
    COMBINEDAPACHELOG: '%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}',
    HTTPD20_ERRORLOG:
      '\\[%{HTTPDERROR_DATE:timestamp}\\] \\[%{LOGLEVEL:loglevel}\\] (?:\\[client %{IPORHOST:clientip}\\] ){0,1}%{GREEDYDATA:errormsg}',
    HTTPD24_ERRORLOG:
      '\\[%{HTTPDERROR_DATE:timestamp}\\] \\[%{WORD:module}:%{LOGLEVEL:loglevel}\\] \\[pid %{POSINT:pid}:tid %{NUMBER:tid}\\]( \\(%{POSINT:proxy_errorcode}\\)%{DATA:proxy_errormessage}:)?( \\[client %{IPORHOST:client}:%{POSINT:clientport}\\])? %{DATA:errorcode}: %{GREEDYDATA:message}',
    HTTPD_ERRORLOG: '%{HTTPD20_ERRORLOG}|%{HTTPD24_ERRORLOG}',
    LOGLEVEL: `(${levels().join('|')})`,
  }
}

/** The names of log levels, each in lower case, capitalised and in upper case. */
function levels(): readonly string[] {
  return [
    '[Aa]lert|ALERT',
    '[Tt]race|TRACE',
    '[Dd]ebug|DEBUG',
    '[Nn]otice|NOTICE',
    '[Ii]nfo|INFO',
    '[Ww]arn?(?:ing)?|WARN?(?:ING)?',
    '[Ee]rr?(?:or)?|ERR?(?:OR)?',
    '[Cc]rit?(?:ical)?|CRIT?(?:ICAL)?',
    '[Ff]atal|FATAL',
    '[Ss]evere|SEVERE',
    'EMERG(?:ENCY)?|[Ee]merg(?:ency)?',
  ]
}
