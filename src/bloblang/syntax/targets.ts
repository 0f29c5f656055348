import type { TargetPath } from '../mapping.ts'
import { splitDotPath } from './annotation.ts'
import type { BoundArguments } from './arguments.ts'
import type { FunctionCall, MapDefinition, MappingTree, MethodCall, Query, Statement } from './ast.ts'

/** What a mapping assigns to, in text order. */
export function treeTargets(tree: MappingTree): readonly TargetPath[] {
  return tree.statements.flatMap(statementTargets)
}

function statementTargets(statement: Statement): readonly TargetPath[] {
  if (statement.kind === 'if') return statement.branches.flatMap(({ body }) => body.flatMap(statementTargets))
  const { target } = statement
  switch (target.kind) {
    case 'variable':
      return [{ kind: 'variable', path: [target.name] }]
    case 'metadata':
      return [{ kind: 'metadata', path: target.key === null ? [] : [target.key] }]
    case 'root':
      return [{ kind: 'value', path: target.path }]
  }
}

/** What a mapping reads, in text order, with maps at the point where they are applied. */
export function treeReads(tree: MappingTree): readonly TargetPath[] {
  const reader = new Reads(tree.maps)
  return tree.statements.flatMap(statement => reader.statement(statement, START))
}

/** What a single query reads. */
export function queryReads(query: Query): readonly TargetPath[] {
  return new Reads(new Map()).query(query, START).reads
}

/** What `this` may refer to, from the innermost value outwards, and what names refer to. */
interface Place {
  readonly self: readonly TargetPath[]
  readonly outer: readonly (readonly TargetPath[])[]
  readonly names: ReadonlyMap<string, readonly TargetPath[]>
  readonly depth: number
}

interface Found {
  /** The possible values of the query. */
  readonly value: readonly TargetPath[]
  readonly reads: readonly TargetPath[]
}

const START: Place = { self: [], outer: [], names: new Map(), depth: 0 }
const MAX_MAP_DEPTH = 16

class Reads {
  readonly #maps: ReadonlyMap<string, MapDefinition>

  constructor(maps: ReadonlyMap<string, MapDefinition>) {
    this.#maps = maps
  }

  statement(statement: Statement, place: Place): readonly TargetPath[] {
    if (statement.kind === 'assignment') return this.query(statement.query, place).reads
    return statement.branches.flatMap(({ condition, body }) => [
      ...(condition === null ? [] : this.query(condition, place).reads),
      ...body.flatMap(inner => this.statement(inner, place)),
    ])
  }

  query(query: Query, place: Place): Found {
    switch (query.kind) {
      case 'literal':
        return { value: [], reads: [] }
      case 'field':
        return this.#value(extend(baseOf(query.base, place), query.path))
      case 'variable':
        return this.#value([{ kind: 'variable', path: [query.name] }])
      case 'metadata':
        return this.#value([{ kind: 'metadata', path: query.key === '' ? [] : [query.key] }])
      case 'path': {
        const target = this.query(query.target, place)
        const value = extend(target.value, query.path)
        return { value, reads: [...target.reads, ...value] }
      }
      case 'nested':
        return this.#inside(this.query(query.target, place), query.query, place)
      case 'function':
        return this.#function(query, place)
      case 'method':
        return this.#method(query, place)
      case 'lambda':
        return this.query(query.body, named(place, query.parameter))
      case 'match': {
        const subject = query.subject === null ? { value: [], reads: [] } : this.query(query.subject, place)
        const inner = query.subject === null ? place : within(place, subject.reads)
        const cases = query.cases.flatMap(({ pattern, result }) => [
          ...(pattern === null ? [] : this.query(pattern, inner).reads),
          ...this.query(result, inner).reads,
        ])
        return { value: [], reads: [...cases, ...subject.reads] }
      }
      case 'if': {
        const [first, ...others] = query.branches
        const parts = [
          first!.condition,
          first!.result,
          ...(query.otherwise === null ? [] : [query.otherwise]),
          ...others.flatMap(({ condition, result }) => [condition, result]),
        ]
        return this.#all(parts, place)
      }
      case 'index':
        return this.#all([query.target, query.index], place)
      case 'slice':
        return this.#all([query.target, query.from, query.to, query.step], place)
      case 'not':
        return this.query(query.operand, place)
      case 'binary':
        return this.#all([query.left, query.right], place)
      case 'array':
        return this.#all(query.items, place)
      case 'object':
        return this.#all(
          query.entries.flatMap(({ key, value }) => (typeof key === 'string' ? [value] : [key, value])),
          place,
        )
    }
  }

  #value(value: readonly TargetPath[]): Found {
    return { value, reads: value }
  }

  #all(parts: readonly (Query | null)[], place: Place): Found {
    return { value: [], reads: parts.flatMap(part => (part === null ? [] : this.query(part, place).reads)) }
  }

  #inside(target: Found, query: Query, place: Place): Found {
    const found = this.query(query, within(place, target.reads))
    return { value: found.value, reads: [...target.reads, ...found.reads] }
  }

  #arguments(args: BoundArguments, place: Place): readonly TargetPath[] {
    return args.values.flatMap(argument =>
      argument === undefined || argument.kind === 'known' ? [] : this.query(argument.query, place).reads,
    )
  }

  #function(call: FunctionCall, place: Place): Found {
    const [argument] = call.args.values
    if (argument !== undefined && argument.kind === 'known') {
      const name = String(argument.value)
      if (call.name === 'json') return this.#value([{ kind: 'value', path: name === '' ? [] : splitDotPath(name) }])
      if (call.name === 'var') return this.#value([{ kind: 'variable', path: [name] }])
      if (call.name === 'meta' || call.name === 'metadata' || call.name === 'root_meta') {
        return this.#value([{ kind: 'metadata', path: name === '' ? [] : [name] }])
      }
    }
    return { value: [], reads: this.#arguments(call.args, place) }
  }

  #method(call: MethodCall, place: Place): Found {
    const target = this.query(call.target, place)
    const [argument] = call.args.values
    const known = argument?.kind === 'known' ? String(argument.value) : undefined
    if (call.name === 'apply' && known !== undefined) return this.#map(known, target, place)
    if ((call.name === 'get' || call.name === 'set') && known !== undefined) {
      const value = extend(target.value, splitDotPath(known))
      return { value, reads: [...target.reads, ...value] }
    }
    if (call.args.values.some(value => value?.kind === 'computed')) {
      return { value: [], reads: this.#arguments(call.args, place) }
    }
    if (call.name === 'catch' || call.name === 'or') {
      return { value: [], reads: [...target.reads, ...this.#arguments(call.args, place)] }
    }
    const inner = within(place, target.reads)
    return { value: target.value, reads: [...target.reads, ...this.#arguments(call.args, inner)] }
  }

  #map(name: string, target: Found, place: Place): Found {
    const map = this.#maps.get(name)
    if (map === undefined || place.depth >= MAX_MAP_DEPTH) return target
    const inner = { ...within(place, target.reads), depth: place.depth + 1 }
    return { value: [], reads: [...target.reads, ...map.body.flatMap(statement => this.statement(statement, inner))] }
  }
}

function baseOf(base: string, place: Place): readonly TargetPath[] {
  if (base === 'root') return [{ kind: 'root', path: [] }]
  if (base !== 'this') return place.names.get(base) ?? []
  return place.self.length === 0 ? [{ kind: 'value', path: [] }] : place.self
}

function extend(bases: readonly TargetPath[], path: readonly string[]): readonly TargetPath[] {
  return bases.map(base => ({ kind: base.kind, path: [...base.path, ...path] }))
}

function within(place: Place, self: readonly TargetPath[]): Place {
  return { ...place, self, outer: [place.self, ...place.outer] }
}

function named(place: Place, name: string): Place {
  const [self = [], ...outer] = place.outer
  const names = name === '_' ? place.names : new Map([...place.names, [name, place.self]])
  return { ...place, names, self: place.outer.length === 0 ? place.self : self, outer }
}
