/**
 * The part of the `javascript` processor that runs inside the isolate: the functions that scripts see, and the
 * dispatcher that the engine calls. It keeps its own references to the built-in functions that it needs, so a script
 * that replaces them only affects itself.
 *
 * Texts cross the boundary with a letter in front that gives their kind: `v` a text, `q` a text quoted as JSON because
 * a NUL ends a text there, `e` an error, `j` a document, `p` nothing yet.
 */
export const PRELUDE = String.raw`(function (host) {
  'use strict'
  const global = globalThis
  const { parse, stringify } = JSON
  const { apply, ownKeys } = Reflect
  const { slice, includes, replace, split } = String.prototype
  const { then } = Promise.prototype
  const evaluate = eval
  const isError = value => value instanceof Error
  const replaceIn = (text, pattern, by) => apply(replace, text, [pattern, by])
  const cut = (text, from) => apply(slice, text, [from])
  const hasNul = text => apply(includes, text, ['\0'])
  const pack = text => (hasNul(text) ? 'q' + stringify(text) : 'v' + text)
  const unpack = text => {
    if (text === undefined) return undefined
    if (text[0] === 'v') return cut(text, 1)
    if (text[0] === 'q') return parse(cut(text, 1))
    throw cut(text, 1)
  }
  const ask = (what, first = 'v', second = 'v') => unpack(host(what, first, second))

  let program
  let sourceName
  let programName
  let headLength = 0
  let body
  let text
  let document
  let isPending
  let failure

  const functions = {
    v0_msg_as_string: [0, () => (document ?? text ?? body)],
    v0_msg_set_string: [1, value => {
      text = String(value)
      document = undefined
    }],
    v0_msg_as_structured: [0, () => {
      if (document !== undefined) return parse(document)
      const source = text ?? body
      try {
        return parse(source)
      } catch {
        return parse(ask('document', text === undefined ? 'v' : pack(text), text === undefined ? 'v' : 'vtext'))
      }
    }],
    v0_msg_set_structured: [1, value => {
      const printed = stringify(value)
      if (printed === undefined) throw 'a value of the type ' + typeof value + ' has no structure'
      document = printed
      text = undefined
    }],
    v0_msg_exists_meta: [1, name => ask('meta', pack(String(name))) !== undefined],
    v0_msg_get_meta: [1, name => {
      const value = ask('meta', pack(String(name)))
      if (value === undefined) throw 'key not found'
      return value
    }],
    v0_msg_set_meta: [2, (name, value) => {
      const printed = stringify(value === undefined ? null : value)
      if (printed === undefined) throw 'a value of the type ' + typeof value + ' cannot be metadata'
      ask('set_meta', pack(String(name)), 'v' + printed)
    }],
    v0_fetch: [4, (url, headers, method = 'GET', body = '') => {
      if (headers !== undefined && (typeof headers !== 'object' || headers === null)) throw 'value is not of type map'
      return parse(ask('fetch', 'v' + stringify({ url: String(url), headers, method: String(method), body: String(body) })))
    }],
  }
  const bento = {}
  for (const name of ownKeys(functions)) {
    const [count, call] = functions[name]
    bento[name] = (...values) => {
      if (values.length > count) {
        throw 'have ' + values.length + ' arguments, but only ' + count + ' pointers to parse into'
      }
      for (let i = 0; i < values.length; i++) {
        if (values[i] === undefined) throw 'argument at position ' + i + ' is undefined'
      }
      return call(...values)
    }
  }
  global.bento = bento

  const format = (...values) => {
    if (values.length === 0) return ''
    let next = 1
    const place = (whole, kind) => {
      if (kind === '%') return '%'
      if (next >= values.length) return whole
      const value = values[next++]
      return kind === 'd' ? String(Number(value)) : kind === 'j' ? String(stringify(value)) : String(value)
    }
    let line = replaceIn(String(values[0]), /%([sdj%])/g, place)
    while (next < values.length) line += ' ' + String(values[next++])
    return line
  }
  const console = {}
  for (const level of ['log', 'info', 'debug', 'warn', 'error']) {
    console[level] = (...values) => void ask('log', 'v' + level, pack(format(...values)))
  }
  global.console = console

  const modules = { __proto__: null }
  const load = path => {
    if (path === 'console') return console
    if (path === 'util') return { format }
    if (path in modules) return modules[path].exports
    const source = ask('source', pack(path))
    const module = (modules[path] = { exports: {} })
    try {
      if (apply(slice, path, [-5]) === '.json') module.exports = parse(source)
      else {
        const folder = ask('folder', pack(path))
        const run = evaluate('(function (exports, require, module, __filename, __dirname) {' + source + '\n})')
        apply(run, module.exports, [module.exports, requireFrom(folder), module, path, folder])
      }
    } catch (error) {
      delete modules[path]
      throw error
    }
    return module.exports
  }
  const requireFrom = folder => name => {
    const path = ask('resolve', pack(folder), pack(String(name)))
    if (path === undefined) throw new Error("cannot find module '" + name + "'")
    return load(path)
  }

  const place = /\(?([^\s()]+?):(\d+(?::\d+)?)\)?\s*$/
  const placeOf = stack => {
    for (const line of apply(split, String(stack), ['\n'])) {
      let [, file, at] = place.exec(line) ?? []
      // The first line of a program stands after the head of its function.
      if (file === programName && at !== undefined) at = replaceIn(at, /^1:(\d+)$/, (_, column) => '1:' + (column - headLength))
      if (file === '<input>' && sourceName !== undefined) return ' at ' + sourceName + ':' + at
      if (file !== undefined && file !== 'prelude.js' && file !== '<input>') return ' at ' + file + ':' + at
    }
    return ''
  }
  const describe = error =>
    'e' + (isError(error) ? error.name + ': ' + error.message + placeOf(error.stack) : String(error))
  const outcome = () => {
    if (isPending) return 'p'
    if (failure !== undefined) return failure
    if (document !== undefined) return 'j' + document
    if (text === undefined) return undefined
    return hasNul(text) ? 'q' + stringify(text) : 's' + text
  }
  const settle = value => {
    if (value === null || typeof value !== 'object' || !(value instanceof Promise)) return
    isPending = true
    apply(then, value, [
      () => {
        isPending = false
      },
      error => {
        isPending = false
        failure = describe(error)
      },
    ])
  }
  return (what, given, more, last) => {
    try {
      switch (what) {
        case 'run':
          body = more === undefined ? given : parse(given)
          text = document = failure = undefined
          isPending = false
          settle(apply(program, global, []))
          return outcome()
        case 'outcome':
          return outcome()
        case 'program':
          program = given
          programName = more
          headLength = Number(last)
          return
        case 'source':
          program = () => evaluate(given)
          sourceName = more
          return
        case 'require':
          global.require = requireFrom(given)
          return
        case 'names': {
          const before = ownKeys(global)
          evaluate('if (false) {' + given + '\n}')
          const names = ownKeys(global).filter(name => !before.includes(name))
          for (const name of names) delete global[name]
          return 'v' + names.join(' ')
        }
      }
    } catch (error) {
      return describe(error)
    }
  }
})`
