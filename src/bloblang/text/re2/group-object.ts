import type { Value, ValueObject } from '../../value.ts'
import { utf8Bytes } from '../bytes.ts'
import { groupText, type MatchSpans, type Re2 } from './re2.ts'
import { stringOrBytes } from '../target.ts'

/** The groups of a match by name or number; as bytes if the match was in bytes. */
export function groupObject(expression: Re2, target: Value, spans: MatchSpans): ValueObject {
  const text = stringOrBytes(target)
  const groups = expression.groupNames.map((name, group): [string, Value] => {
    const matched = groupText(text, spans, group)
    return [name === '' ? String(group) : name, target instanceof Uint8Array ? utf8Bytes(matched) : matched]
  })
  return Object.fromEntries(groups)
}
