/**
 * The part of the `javascript` processor's isolate that is written in JavaScript: the functions that scripts see, except
 * those that read and write bodies (quickjs/isolate.c), and those that the engine calls by name, with two texts. It keeps
 * its own references to the built-in functions that it needs, so a script that replaces them only affects itself.
 */
export const PRELUDE = String.raw`(function (bento, host) {
  'use strict'
  const global = globalThis
  const { parse, stringify } = JSON
  const { apply, ownKeys } = Reflect
  const { slice, replace, split } = String.prototype
  const evaluate = eval
  const isError = value => value instanceof Error
  const replaceIn = (text, pattern, by) => apply(replace, text, [pattern, by])
  const ask = (what, first = '', second = '') => host(what, first, second)

  let programName
  let headLength = 0

  const functions = {
    v0_msg_exists_meta: [1, name => ask('meta', String(name)) !== undefined],
    v0_msg_get_meta: [1, name => {
      const value = ask('meta', String(name))
      if (value === undefined) throw 'key not found'
      return value
    }],
    v0_msg_set_meta: [2, (name, value) => {
      const printed = stringify(value === undefined ? null : value)
      if (printed === undefined) throw 'a value of the type ' + typeof value + ' cannot be metadata'
      ask('set_meta', String(name), printed)
    }],
    v0_fetch: [4, (url, headers, method = 'GET', body = '') => {
      if (headers !== undefined && (typeof headers !== 'object' || headers === null)) throw 'value is not of type map'
      return parse(ask('fetch', stringify({ url: String(url), headers, method: String(method), body: String(body) })))
    }],
  }
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
    console[level] = (...values) => void ask('log', level, format(...values))
  }
  global.console = console

  const modules = { __proto__: null }
  const load = path => {
    if (path === 'console') return console
    if (path === 'util') return { format }
    if (path in modules) return modules[path].exports
    const source = ask('source', path)
    const module = (modules[path] = { exports: {} })
    try {
      if (apply(slice, path, [-5]) === '.json') module.exports = parse(source)
      else {
        const folder = ask('folder', path)
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
    const path = ask('resolve', folder, String(name))
    if (path === undefined) throw new Error("cannot find module '" + name + "'")
    return load(path)
  }

  const place = /\(?([^\s()]+?):(\d+(?::\d+)?)\)?\s*$/
  const placeOf = stack => {
    for (const line of apply(split, String(stack), ['\n'])) {
      let [, file, at] = place.exec(line) ?? []
      // The first line of a program stands after the head of its function.
      if (file === programName && at !== undefined) at = replaceIn(at, /^1:(\d+)$/, (_, column) => '1:' + (column - headLength))
      if (file !== undefined && file !== 'prelude.js' && file !== '<input>') return ' at ' + file + ':' + at
    }
    return ''
  }
  return {
    describe: error => (isError(error) ? error.name + ': ' + error.message + placeOf(error.stack) : String(error)),
    enter: (fileName, length) => {
      programName = fileName
      headLength = Number(length)
    },
    allowModules: folder => {
      global.require = requireFrom(folder)
    },
    names: source => {
      const before = ownKeys(global)
      evaluate('if (false) {' + source + '\n}')
      const names = ownKeys(global).filter(name => !before.includes(name))
      for (const name of names) delete global[name]
      return names.join(' ')
    },
  }
})`
