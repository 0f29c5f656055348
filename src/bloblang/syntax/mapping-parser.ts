import type { Assignment, IfStatement, MapDefinition, MappingTree, Query, Statement } from './ast.ts'
import { expecting, fatal, Fault, required } from './fault.ts'
import { type Catalog, QueryParser } from './query-parser.ts'

/** Resolves imports; null refuses them. */
export interface ImportSource {
  read(path: string): string
  relativeTo(path: string): ImportSource
}

/** Parses a whole mapping. Never throws. */
export function parseMappingText(text: string, catalog: Catalog, imports: ImportSource | null): MappingTree | Fault {
  try {
    return new MappingParser(text, catalog, imports).mapping()
  } catch (error) {
    if (error instanceof RangeError) return fatal(0, 'nested too deeply')
    throw error
  }
}

/** The kinds of statements that a block may contain. */
interface Block {
  readonly metadata: boolean
  readonly definitions: boolean
}

class MappingParser extends QueryParser {
  readonly #imports: ImportSource | null
  readonly #maps = new Map<string, MapDefinition>()
  readonly #imported: string[] = []

  constructor(text: string, catalog: Catalog, imports: ImportSource | null) {
    super(text, catalog)
    this.#imports = imports
  }

  mapping(): MappingTree | Fault {
    const direct = this.#rootImport()
    if (!(direct instanceof Fault) || direct.fatal !== null) return direct
    const statements = this.statements()
    if (!(statements instanceof Fault) || statements.fatal !== null) return statements
    const shorthand = this.#shorthand()
    if (!(shorthand instanceof Fault)) return shorthand
    return shorthand.at > statements.at ? shorthand : statements
  }

  /** Parses all statements of the text. */
  statements(): MappingTree | Fault {
    this.at = 0
    this.#maps.clear()
    this.#imported.length = 0
    const statements: Statement[] = []
    this.skipSpace()
    for (;;) {
      const start = this.at
      const statement = this.#statement({ metadata: true, definitions: true })
      if (statement instanceof Fault) {
        statement.statementAt = start
        return statement
      }
      if (statement !== null) statements.push(statement)
      this.skipBlank()
      if (this.atEnd) break
      const end = this.lineBreak()
      if (end instanceof Fault) return end
      this.skipSpace()
      if (this.atEnd) break
    }
    return this.#tree(statements, false, null)
  }

  #tree(statements: readonly Statement[], shorthand: boolean, from: string | null): MappingTree {
    return { text: this.text, statements, maps: this.#maps, imports: this.#imported, shorthand, from }
  }

  /** `from "file"`: the mapping is the content of that file. */
  #rootImport(): MappingTree | Fault {
    this.at = 0
    this.skipSpace()
    const word = this.term('from')
    if (word instanceof Fault) return word
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const path = this.quoted()
    if (path instanceof Fault) return path
    this.skipSpace()
    const rest = this.at
    const tree = this.#import(path, 0)
    if (tree instanceof Fault) return tree
    if (rest < this.text.length) {
      return fatal(0, `unexpected content after single root import: ${this.text.slice(rest)}`)
    }
    return { ...tree, from: path }
  }

  #import(path: string, start: number): MappingTree | Fault {
    let text: string
    try {
      if (this.#imports === null) throw new Error('imports are disabled in this context')
      text = this.#imports.read(path)
    } catch (error) {
      return fatal(start, `failed to read import: ${error instanceof Error ? error.message : String(error)}`)
    }
    const tree = new MappingParser(text, this.catalog, this.#imports!.relativeTo(path)).statements()
    if (!(tree instanceof Fault)) return tree
    return new Fault(start, [], 'failed to parse import', { imported: { path, text, fault: tree } })
  }

  /** The whole text is one query, with `root = ` omitted. */
  #shorthand(): MappingTree | Fault {
    this.at = 0
    this.#maps.clear()
    this.skipSpace()
    const start = this.at
    const query = this.query()
    if (query instanceof Fault) return query
    const end = this.at
    this.skipSpace()
    if (!this.atEnd) {
      const written = [...this.text.slice(start, end)]
      const shown = written.length > 12 ? `${written.slice(0, 12).join('')}...` : written.join('')
      return new Fault(this.at, [
        `the mapping to end here as the beginning is shorthand for \`root = ${shown}\`, but this shorthand form cannot be followed with more assignments`,
      ])
    }
    const span = { start: 0, end }
    return this.#tree(
      [{ kind: 'assignment', target: { kind: 'root', path: [], explicit: true }, query, span }],
      true,
      null,
    )
  }

  /** Parses one statement; null for a definition or an import, which produce nothing to execute. */
  #statement(block: Block): Statement | null | Fault {
    const attempts: (() => Statement | null | Fault)[] = [
      () => this.#let(),
      () => this.#meta(block),
      () => this.#assignment(),
      () => this.#ifStatement(),
    ]
    if (block.definitions)
      attempts.unshift(
        () => this.#importStatement(),
        () => this.#mapDefinition(),
      )
    return this.oneOf(attempts)
  }

  #importStatement(): null | Fault {
    const start = this.at
    const word = this.term('import')
    if (word instanceof Fault) return word
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const path = this.quoted()
    if (path instanceof Fault) return required(expecting(path, 'filepath'))
    const tree = this.#import(path, start)
    if (tree instanceof Fault) return tree
    if (tree.maps.size === 0) return fatal(start, `no maps to import from '${path}'`)
    const collisions = [...tree.maps.keys()].filter(name => this.#maps.has(name))
    if (collisions.length > 0)
      return fatal(start, `map name collisions from import '${path}': [${collisions.join(' ')}]`)
    for (const [name, map] of tree.maps) this.#maps.set(name, map)
    this.#imported.push(path)
    return null
  }

  #mapDefinition(): null | Fault {
    const start = this.at
    const word = this.term('map')
    if (word instanceof Fault) return word
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const name = this.oneOf<string>([() => this.quoted(), () => this.name()])
    if (name instanceof Fault) return required(expecting(name, 'map name'))
    const gap = this.blank()
    if (gap instanceof Fault) return gap
    const body = this.#body({ metadata: false, definitions: false })
    if (body instanceof Fault) return body
    if (this.#maps.has(name)) return fatal(start, `map name collision: ${name}`)
    this.#maps.set(name, { name, body, text: this.text, span: { start, end: this.at } })
    return null
  }

  /** Parses statements in braces. */
  #body(block: Block): readonly Statement[] | Fault {
    const statements = this.list<Statement | null>(
      () => {
        const open = this.term('{')
        if (!(open instanceof Fault)) this.skipSpace()
        return open
      },
      () => this.#statement(block),
      () => {
        this.skipBlank()
        const end = this.lineBreak()
        if (!(end instanceof Fault)) this.skipSpace()
        return end
      },
      () => {
        this.skipSpace()
        return this.term('}')
      },
    )
    return statements instanceof Fault ? statements : statements.filter(statement => statement !== null)
  }

  #let(): Statement | Fault {
    const start = this.at
    const word = this.term('let')
    if (word instanceof Fault) return expecting(word, 'assignment')
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const name = this.oneOf<string>([() => this.quoted(), () => this.name()])
    if (name instanceof Fault) return required(expecting(name, 'variable name'))
    const gap = this.blank()
    if (gap instanceof Fault) return gap
    const query = this.#equals()
    return query instanceof Fault ? query : this.#assigned({ kind: 'variable', name }, query, start)
  }

  #meta(block: Block): Statement | Fault {
    const start = this.at
    const word = this.term('meta')
    if (word instanceof Fault) return expecting(word, 'assignment')
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const key = this.oneOf<string>([() => this.quoted(), () => this.name()])
    if (key instanceof Fault && key.fatal !== null) return key
    this.skipBlank()
    const query = this.#equals()
    if (query instanceof Fault) return query
    if (!block.metadata) return fatal(start, 'setting meta fields is not allowed within this block')
    return this.#assigned({ kind: 'metadata', key: key instanceof Fault ? null : key }, query, start)
  }

  #assignment(): Statement | Fault {
    const start = this.at
    const first = this.name()
    if (first instanceof Fault) return expecting(first, 'assignment')
    const segments = this.#segments()
    if (segments instanceof Fault) return segments
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const query = this.#equals()
    if (query instanceof Fault) return query
    const explicit = first === 'root'
    const path = explicit ? segments : [first, ...segments]
    return this.#assigned({ kind: 'root', path, explicit }, query, start)
  }

  /** Parses `.a."b c".d`; an incomplete path is not consumed at all. */
  #segments(): readonly string[] | Fault {
    const start = this.at
    const segments: string[] = []
    while (this.text[this.at] === '.') {
      this.at++
      const segment = this.oneOf<string>([() => this.quoted(), () => this.name()])
      if (segment instanceof Fault) {
        if (segment.fatal !== null) return segment
        this.at = start
        return []
      }
      segments.push(segment)
    }
    return segments
  }

  /** `= query`. */
  #equals(): Query | Fault {
    const sign = this.term('=')
    if (sign instanceof Fault) return sign
    const blank = this.blank()
    return blank instanceof Fault ? blank : this.query()
  }

  #assigned(target: Assignment['target'], query: Query, start: number): Assignment {
    return { kind: 'assignment', target, query, span: { start, end: this.at } }
  }

  #ifStatement(): Statement | Fault {
    const start = this.at
    const word = this.term('if')
    if (word instanceof Fault) return expecting(word, 'assignment')
    const blank = this.blank()
    if (blank instanceof Fault) return blank
    const branches: IfStatement['branches'][number][] = []
    let end = start
    for (;;) {
      const condition = this.query()
      if (condition instanceof Fault) return required(condition)
      this.skipSpace()
      const body = this.#body({ metadata: true, definitions: false })
      if (body instanceof Fault) {
        if (branches.length === 0 || body.fatal !== null) return body
        break
      }
      branches.push({ condition, body })
      end = this.at
      this.skipSpace()
      if (this.term('else if') instanceof Fault || this.blank() instanceof Fault) break
    }
    this.at = end
    return this.#elseStatement(branches, start)
  }

  /** Parses the `else` of an if statement, if there is one; an incomplete one is not consumed. */
  #elseStatement(branches: IfStatement['branches'][number][], start: number): Statement | Fault {
    const end = this.at
    this.skipSpace()
    if (this.term('else') instanceof Fault) this.at = end
    else {
      this.skipSpace()
      const body = this.#body({ metadata: true, definitions: false })
      if (!(body instanceof Fault)) branches.push({ condition: null, body })
      else if (body.fatal !== null) return body
      else this.at = end
    }
    return { kind: 'if', branches, span: { start, end: this.at } }
  }
}
