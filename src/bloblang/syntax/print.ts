import { isArray } from '../data/coerce.ts'
import { Float, type Value, type ValueObject, isObject } from '../value.ts'
import type { BoundArguments } from './arguments.ts'
import type { Assignment, Binary, BinaryOperator, MappingTree, Query, Statement } from './ast.ts'

/** Prints a mapping; parsing the text yields the same tree. Comments are not part of a tree. */
export function printMapping(tree: MappingTree): string {
  if (tree.from !== null) return `from ${quoted(tree.from)}\n`
  const [only] = tree.statements
  if (tree.shorthand && only?.kind === 'assignment') return `${printQuery(only.query)}\n`
  const imported = tree.imports.map(path => `import ${quoted(path)}`)
  const maps = [...tree.maps.values()]
    .filter(map => map.text === tree.text)
    .map(map => `map ${printName(map.name)} ${printBlock(map.body, '')}`)
  return `${[...imported, ...maps, ...tree.statements.map(statement => printStatement(statement, ''))].join('\n')}\n`
}

function printStatement(statement: Statement, indent: string): string {
  if (statement.kind === 'assignment') return `${printTarget(statement.target)} = ${printQuery(statement.query)}`
  return statement.branches
    .map(({ condition, body }, index) => {
      const head = condition === null ? 'else' : `${index === 0 ? 'if' : 'else if'} ${printQuery(condition)}`
      return `${head} ${printBlock(body, indent)}`
    })
    .join(' ')
}

function printBlock(body: readonly Statement[], indent: string): string {
  if (body.length === 0) return '{}'
  const inner = `${indent}  `
  return `{\n${body.map(statement => `${inner}${printStatement(statement, inner)}`).join('\n')}\n${indent}}`
}

function printTarget(target: Assignment['target']): string {
  switch (target.kind) {
    case 'variable':
      return `let ${printName(target.name)}`
    case 'metadata':
      return target.key === null ? 'meta' : `meta ${printName(target.key)}`
    case 'root': {
      const [first, ...rest] = target.path
      if (target.explicit || first === undefined) return `root${target.path.map(printSegment).join('')}`
      return `${first}${rest.map(printSegment).join('')}`
    }
  }
}

function printQuery(query: Query): string {
  switch (query.kind) {
    case 'literal':
      return query.origin === null ? printLiteral(query.value) : printQuery(query.origin)
    case 'field':
      return `${query.base}${query.path.map(printSegment).join('')}`
    case 'path':
      return `${printOperand(query.target)}${query.path.map(printSegment).join('')}`
    case 'variable':
      return `$${query.name}`
    case 'metadata':
      return /^[A-Za-z0-9_]*$/.test(query.key) ? `@${query.key}` : `@${quoted(query.key)}`
    case 'function':
      return `${query.name}(${printArguments(query.args)})`
    case 'method':
      return `${printOperand(query.target)}.${query.name}(${printArguments(query.args)})`
    case 'nested':
      return `${printOperand(query.target)}.(${printQuery(query.query)})`
    case 'index':
      return `${printOperand(query.target)}[${printQuery(query.index)}]`
    case 'slice': {
      const bound = (part: Query | null) => (part === null ? '' : printQuery(part))
      const step = query.step === null ? '' : `:${printQuery(query.step)}`
      return `${printOperand(query.target)}[${bound(query.from)}:${bound(query.to)}${step}]`
    }
    case 'not':
      return `!${printOperand(query.operand)}`
    case 'binary':
      return printBinary(query)
    case 'array':
      return `[${query.items.map(printQuery).join(', ')}]`
    case 'object':
      return `{${query.entries.map(({ key, value }) => `${typeof key === 'string' ? quoted(key) : printKey(key)}: ${printQuery(value)}`).join(', ')}}`
    case 'match': {
      // Braces on the same line would be parsed as the subject.
      if (query.subject === null && query.cases.length === 0) return 'match #\n{}'
      const subject = query.subject === null ? '' : `${printSubject(query.subject)} `
      const cases = query.cases.map(
        ({ pattern, result }) => `${pattern === null ? '_' : printQuery(pattern)} => ${printQuery(result)}`,
      )
      return `match ${subject}{ ${cases.join(', ')} }`
    }
    case 'if': {
      const branches = query.branches.map(
        ({ condition, result }) => `if ${printQuery(condition)} { ${printQuery(result)} }`,
      )
      const otherwise = query.otherwise === null ? '' : ` else { ${printQuery(query.otherwise)} }`
      return `${branches.join(' else ')}${otherwise}`
    }
    case 'lambda':
      return `${query.parameter} -> ${printQuery(query.body)}`
  }
}

/** A quoted text would be parsed as the key itself. */
function printKey(key: Query): string {
  const text = printQuery(key)
  return text.startsWith('"') ? `(${text})` : text
}

/** A lambda or an if would consume the brace that follows the subject. */
function printSubject(subject: Query): string {
  return subject.kind === 'if' || subject.kind === 'lambda' ? `(${printQuery(subject)})` : printQuery(subject)
}

/** The target of a method or an index. */
function printOperand(query: Query): string {
  const text = printQuery(query)
  switch (query.kind) {
    case 'binary':
    case 'not':
    case 'lambda':
    case 'if':
    case 'match':
      return `(${text})`
    case 'literal':
      // A signed number only occurs after another sign, `--5`, where brackets would turn it into an operation.
      return query.origin === null && !/^\d/.test(text) ? text : `(${text})`
    default:
      return text
  }
}

const LEVEL: Readonly<Record<BinaryOperator, number>> = {
  '*': 4,
  '/': 4,
  '%': 4,
  '|': 4,
  '+': 3,
  '-': 3,
  '==': 2,
  '!=': 2,
  '<': 2,
  '<=': 2,
  '>': 2,
  '>=': 2,
  '&&': 1,
  '||': 1,
}

function printBinary(query: Binary): string {
  if (query.negation) return `-${printOperand(query.right)}`
  return `${printSide(query.left, query.operator, true)} ${query.operator} ${printSide(query.right, query.operator, false)}`
}

/** Operators of one level are left-associative; a lambda or a sign inside would extend too far. */
function printSide(side: Query, operator: BinaryOperator, left: boolean): string {
  const inner = side.kind === 'literal' && side.origin !== null ? side.origin : side
  const text = printQuery(side)
  if (inner.kind === 'lambda' || (inner.kind === 'literal' && text.startsWith('-'))) return `(${text})`
  if (inner.kind !== 'binary' || inner.negation) return text
  const level = LEVEL[inner.operator]
  return level > LEVEL[operator] || (left && level === LEVEL[operator]) ? text : `(${text})`
}

function printArguments(args: BoundArguments): string {
  return args.written
    .map((query, at) => (args.names[at] === undefined ? printQuery(query) : `${args.names[at]}: ${printQuery(query)}`))
    .join(', ')
}

function printSegment(segment: string): string {
  return /^[A-Za-z0-9_]+$/.test(segment) ? `.${segment}` : `.${quoted(segment)}`
}

function printName(name: string): string {
  return /^[A-Za-z0-9_]+$/.test(name) ? name : quoted(name)
}

function printLiteral(value: Value): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return value === -(2n ** 63n) ? `(${value + 1n} - 1)` : String(value)
  if (value instanceof Float) return printFloat(value.value)
  if (isArray(value)) return `[${value.map(printLiteral).join(', ')}]`
  if (isObject(value)) return printObject(value)
  throw new TypeError('no literal can be written for this value')
}

function printObject(object: ValueObject): string {
  return `{${Object.entries(object)
    .map(([key, field]) => `${quoted(key)}: ${printLiteral(field)}`)
    .join(', ')}}`
}

/** The grammar has no exponents. */
function printFloat(float: number): string {
  const text = String(float)
  if (!text.includes('e')) return text.includes('.') ? text : `${text}.0`
  if (text.includes('e+')) return `${BigInt(float)}.0`
  const digits = float.toFixed(20)
  return Number(digits) === float ? digits : float.toFixed(100).replace(/0+$/, '0')
}

/** A quoted string in the grammar's syntax. */
function quoted(text: string): string {
  // eslint-disable-next-line no-control-regex
  const escaped = text.replace(
    /["\\\u0000-\u001f\u007f\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    character => {
      if (character === '"' || character === '\\') return `\\${character}`
      if (character === '\n') return '\\n'
      if (character === '\t') return '\\t'
      const code = character.charCodeAt(0)
      // A byte that was not UTF-8.
      if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`
      return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : `\\u${code.toString(16).padStart(4, '0')}`
    },
  )
  return `"${escaped}"`
}
