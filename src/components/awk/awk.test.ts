import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Message } from '../../engine/index.ts'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'

const awk = (program: string, codec = 'text') => JSON.stringify({ awk: { codec, program } })

/** Checks the output of programs for a text; the original gave the same output for each of them. */
async function assertPrints(
  input: string,
  cases: readonly (readonly [program: string, output: string])[],
): Promise<void> {
  for (const [program, output] of cases) assert.deepEqual(await bodiesOf(awk(program), [input]), [output], program)
}

test('records, fields and patterns', () =>
  assertPrints('b 2\na 10\nc 3', [
    ['{ print $2, $1 }', '2 b\n10 a\n3 c'],
    ['$2 > 2', 'a 10\nc 3'],
    ['/^a/, /^c/ { print NR ":" $0 }', '2:a 10\n3:c 3'],
    ['{ s += $2 } END { print s, NR, s / NR }', '15 3 5'],
    ['BEGIN { FS = "" } NR == 1 { print NF }', '3'],
    ['{ $3 = "x"; $1 = "" } 1', ' 2 x\n 10 x\n 3 x'],
    ['{ NF = 1; print }', 'b\na\nc'],
    ['BEGIN { RS = "" } { print NF; exit }', '6'],
    ['BEGIN { OFS = "-"; ORS = ";" } { print $1, $2 }', 'b-2;a-10;c-3;'],
    ['END { print $0, NF }', 'c 3 2'],
  ]))

test('operators, comparisons and numeric strings', () =>
  assertPrints('10 9 abc 1e3', [
    ['{ print ($1 < $2), ($1 < "9"), ($3 > 5), ($4 == 1000) }', '0 1 1 1'],
    [
      '{ print 1/3, 1e6, 1e300 * 10, 2^10, 2**3, -3 % 2, 100000 * 100000 }',
      '0.333333 1000000 1e+301 1024 8 -1 10000000000',
    ],
    ['{ print 1 " " 2, 1 + 2 "" 3, !0, !"a", -"3x" }', '1 2 33 1 0 -3'],
    ['{ x = 5; x += 2; x ^= 2; print x++, x, --x }', '49 50 49'],
    ['{ print 1 ? "yes" : "no", x == 0, x == "" }', 'yes 1 1'],
    ['{ print $1 ~ /^1/, $1 !~ "0$", "a.b" ~ /a\\.b/ }', '1 0 1'],
    ['{ print substr("hello", 2, 3), substr("hello", 0, 2), substr("hello", 4) }', 'ell he lo'],
    ['{ print length(), length("é"), index("foobar", "bar"), toupper("aé") }', '12 2 4 AÉ'],
    ['{ print match("foobar", /o+/), RSTART, RLENGTH, match("x", /y/) }', '2 2 2 0'],
    ['{ n = split("a:b:c", parts, ":"); print n, parts[1] parts[3] }', '3 ac'],
    ['{ s = "aaa"; print gsub(/a/, "<&>", s), s; sub(/a/, "\\\\&", s); print s }', '3 <a><a><a>\n<&><a><a>'],
    [
      '{ printf "%5.2f|%-4s|%04d|%x|%c%c|%u|%i%%\\n", 3.14159, "ab", 42, 255, "xyz", 65, 7, 3.9 }',
      ' 3.14|ab  |0042|ff|xA|7|3%',
    ],
    ['{ print int(-3.7), sqrt(16), int("12abc"), log(1), exp(0), atan2(0, 1) }', '-3 4 12 0 1 0'],
  ]))

test('control, arrays and functions', () =>
  assertPrints('x', [
    ['{ for (i = 0; i < 5; i++) { if (i == 1) continue; if (i == 4) break; printf "%d ", i } print "" }', '0 2 3 '],
    ['{ do { n++ } while (n < 3); while (n < 10) n *= 2; print n }', '12'],
    [
      '{ a["x"] = 1; a["y", 2] = 3; print ("x" in a), (("y", 2) in a), length(a); delete a["x"]; print length(a) }',
      '1 1 2\n1',
    ],
    ['{ a[1]; a[2]; n = 0; for (k in a) n += k; print n; delete a; print length(a) }', '3\n0'],
    ['function fill(a, n,  i) { for (i = 1; i <= n; i++) a[i] = i * i } { fill(squares, 4); print squares[4] }', '16'],
    ['function fac(n) { return n <= 1 ? 1 : n * fac(n - 1) } { print fac(10) }', '3628800'],
    ['BEGIN { print "a"; exit } END { print "b" }', 'a\nb'],
    ['BEGIN { while ((getline line) > 0) n++; print n, line }', '1 x'],
    ['function f(x) { x[1] = 2 }\n{ f(z)\n  print z[1] }  # a comment', '2'],
    ['{ print; next; print "never" }', 'x'],
    ['{ print FILENAME }', '-'],
  ]))

test('documents and metadata are read and changed', async () => {
  const program = `{
    json_set("full", user_first " " user_last)
    json_set_int("n", n + 1); json_set_float("half", n / 2); json_set_bool("yes", 1)
    json_append("tags", "new"); json_append_int("list", 3); json_delete("old")
    metadata_set("seen", json_type("tags") ":" json_length("tags") ":" json_get("user") ":" given)
  }`
  const message = Message.fromText(
    '{"n":3,"old":1,"tags":"t","user":{"first":"a","last":"b"}}',
    new Map([['given', 'm']]),
  )
  const [outcome] = await processed(awk(program, 'json'), [message])
  assert.equal(
    outcome!.text,
    '{"full":"a b","half":1.5,"list":[3],"n":4,"tags":["t","new"],"user":{"first":"a","last":"b"},"yes":true}',
  )
  assert.equal(outcome!.metadata['seen'], 'array:2:{"first":"a","last":"b"}:m')
})

test('times are read and formatted', () =>
  assertPrints('x', [
    [
      '{ print timestamp_unix("2018-12-18T11:57:32"), timestamp_unix("18.12.2018", "02.01.2006") }',
      '1545134252 1545091200',
    ],
    ['{ print timestamp_format(1545134252), timestamp_format(1545134252, "Jan 2") }', '2018-12-18T11:57:32Z Dec 18'],
    ['{ print timestamp_format_nano(1500000000, "05.000") }', '01.500'],
  ]))

test('a program that fails flags its message', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{ print 1 / 0 }', 'division by zero'],
    ['{ exit 3 }', 'non-fatal execution error: awk interpreter returned non-zero exit code: 3'],
    ['{ print "oh" > "/dev/stderr" }', 'oh\n'],
    [
      '{ print json_get("a") }',
      "failed to parse message into json: invalid character 'x' looking for beginning of value",
    ],
    ['{ printf "%d %d", 1 }', 'format error: got 1 args, expected 2'],
    ['{ print timestamp_unix("soon") }', 'failed to detect datetime format of: soon'],
    ['{ print "a" ~ "(" }', 'invalid regex "(": error parsing regexp: missing closing ): `(`'],
  ]
  for (const [program, reason] of cases) assert.deepEqual(await errorsOf(awk(program), ['x']), [reason], program)
})

test('a malformed program is refused with the position', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{ print 1 +\n }', /failed to compile AWK program: parse error at 1:12: expected expression/],
    ['{ nothing_like_it(1) }', /undefined function "nothing_like_it"/],
    ['{ print "open }', /parse error at 1:9: didn't find end quote in string/],
    ['{ break }', /break must be inside a loop body/],
    ['BEGIN { next }', /next can't be inside BEGIN or END/],
    ['{ print | "cat" }', /can't write to pipe/],
    ['{ "ls" | getline }', /can't read from pipe/],
    ['{ getline < "/etc/passwd" }', /can't read from file/],
    [`{ print ${'('.repeat(5000)} }`, /nested too deeply/],
  ]
  for (const [program, reason] of cases) await assert.rejects(processed(awk(program), []), reason, program)
})

test('a hostile program fails its message with a reason', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{ while (1) n++ }', /steps/],
    ['{ s = "xxxx"; while (1) s = s s }', /too long/],
    ['{ while (1) a[i++] = "x" }', /arrays become too large/],
    ['{ while (1) if (a[i++]) break }', /arrays become too large/],
    ['function f(a) { while (1) a[i++] = "x" } { f() }', /arrays become too large/],
    [
      '{ while (1) print "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" }',
      /prints too much|steps/,
    ],
    ['function f(n) { return f(n + 1) } { f(1) }', /exceeded maximum call depth of 1000|recurses too deeply/],
    ['{ $100000000 = 1 }', /field index too large/],
    ['{ system("id") }', /can't call system/],
    ['{ print "x" > "/tmp/penstock-awk" }', /can't write to file/],
    [
      '{ for (k in ENVIRON) n++; s = sprintf("%50000s", "a"); gsub(/a/, s, s); print s ~ /(a+)+$/, n + 0; exit 1 }',
      /exit code: 1/,
    ],
  ]
  for (const [program, reason] of cases) assert.match((await errorsOf(awk(program), ['x']))[0]!, reason, program)
})
