import { Break, breakable, type Code, fail, type Path, stray } from './code.ts'
import { refuse } from './functions.ts'
import { isNumber, type Json } from './json.ts'
import { add, compare, isTrue } from './operators.ts'

/** Counts a step; throws when there are too many. */
type Tick = () => void

/** Yields the input, the results of `step` for it, their results, and so on, without recursing on the stack. */
export function recurseCode(tick: Tick, step: Code): Code {
  return (env, input, path, emit) => {
    const open: ({ value: Json; path: Path } | { error: unknown })[] = [{ value: input, path }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      tick()
      if ('error' in next) throw next.error
      emit(next.value, next.path)
      const found: typeof open = []
      try {
        step(env, next.value, next.path, (value, at) => {
          tick()
          found.push({ value, path: at })
        })
      } catch (error) {
        found.push({ error })
      }
      open.push(...found.toReversed())
    }
  }
}

export function rangeCode(tick: Tick, from: Code, to: Code, by: Code): Code {
  return (env, input, path, emit) =>
    from(env, input, undefined, start =>
      to(env, input, undefined, end =>
        by(env, input, undefined, step => {
          for (const bound of [start, end, step]) if (!isNumber(bound)) refuse('range', bound)
          const direction = compare(step, 0)
          for (let at = start; direction * compare(at, end) < 0; at = add(at, step)) {
            tick()
            emit(at, stray(path))
          }
        }),
      ),
    )
}

export function whileCode(tick: Tick, condition: Code, update: Code): Code {
  return recurseFromCode(tick, condition, update)
}

/** Like `recurse`, but only for inputs that satisfy a condition. */
function recurseFromCode(tick: Tick, condition: Code, update: Code): Code {
  const holding: Code = (env, value, at, emit) =>
    condition(env, value, undefined, holds => {
      if (isTrue(holds)) emit(value, at)
    })
  const recurse = recurseCode(tick, (env, value, at, emit) =>
    update(env, value, at, (next, nextAt) => holding(env, next, nextAt, emit)),
  )
  return (env, input, path, emit) => holding(env, input, path, (value, at) => recurse(env, value, at, emit))
}

export function untilCode(tick: Tick, condition: Code, update: Code): Code {
  return (env, input, path, emit) => {
    const open: { value: Json; path: Path }[] = [{ value: input, path }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      tick()
      const { value, path: at } = next
      const found: typeof open = []
      condition(env, value, undefined, holds => {
        if (isTrue(holds)) emit(value, at)
        else update(env, value, at, (changed, changedAt) => found.push({ value: changed, path: changedAt }))
      })
      open.push(...found.toReversed())
    }
  }
}

export function limitCode(count: Code, body: Code): Code {
  return (env, input, path, emit) =>
    count(env, input, undefined, most => {
      if (compare(most, 0) === 0) return
      if (compare(most, 0) < 0) return body(env, input, path, emit)
      let left = Number(most)
      breakable(label =>
        body(env, input, path, (value, at) => {
          left--
          emit(value, at)
          if (left <= 0) throw new Break(label)
        }),
      )
    })
}

export function nthCode(count: Code, body: Code): Code {
  return (env, input, path, emit) =>
    count(env, input, undefined, wanted => {
      if (compare(wanted, 0) < 0) fail("nth doesn't support negative indices")
      let left = Number(wanted)
      breakable(label =>
        body(env, input, path, (value, at) => {
          if (left-- > 0) return
          emit(value, at)
          throw new Break(label)
        }),
      )
    })
}
