/** Parses a file name, or `file:name?_pragma=busy_timeout(5000)&mode=memory`. */
export function parseSqliteDsn(dsn: string): { readonly path: string; readonly parameters: URLSearchParams } {
  const [, name = '', query = ''] = /^(?:file:)?([^?]*)\??(.*)$/s.exec(dsn) ?? []
  const parameters = new URLSearchParams(query)
  const isMemory = name === '' || name === ':memory:' || parameters.get('mode') === 'memory'
  return { path: isMemory ? ':memory:' : name, parameters }
}
