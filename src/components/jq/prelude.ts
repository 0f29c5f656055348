import { parseDefinitions } from './parse.ts'
import type { Definition } from './syntax.ts'

/** The functions that are defined in the language itself, in terms of built-in ones and of those above them. */
const source = `
def select(f): if f then . else empty end;
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type == "array" or type == "object");
def scalars: select(type != "array" and type != "object");
def finites: select(isfinite);
def normals: select(isnormal);

def in(xs): . as $key | xs | has($key);
def inside(xs): . as $part | xs | contains($part);
def with_entries(f): to_entries | map(f) | from_entries;
def map_values(f): .[] |= f;
def walk(f): def w: if type == "array" then map(w) elif type == "object" then map_values(w) else . end | f; w;
def combinations: if length == 0 then [] else .[0][] as $x | .[1:] | combinations | [$x] + . end;
def combinations(n): [range(n) as $_ | .] | combinations;
def del(f): delpaths([path(f)]);
def paths: path(..) | select(. != []);
def paths(f): path(.. | select(f)) | select(. != []);
def pick(f): . as $value | reduce path(f) as $p (null; setpath($p; $value | getpath($p)));

def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def any(g; f): isempty(first(g | select(f))) | not;
def any(f): any(.[]; f);
def any: any(.[]; .);
def all(g; f): isempty(first(g | select(f | not)));
def all(f): all(.[]; f);
def all: all(.[]; .);

def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def truncate_stream(f): . as $n | null | f | if (.[0] | length) > $n then .[0] |= .[$n:] else empty end;
def fromstream(f):
  foreach f as $event (
    { value: null, done: false };
    (if .done then { value: null, done: false } else . end)
    | if ($event | length) == 2
      then { value: (.value | setpath($event[0]; $event[1])), done: ($event[0] | length == 0) }
      else .done = ($event[0] | length == 1)
      end;
    if .done then .value else empty end);

def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%S%z") | mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def todate: todateiso8601;

def capture($re): match($re) | _captured;
def capture($re; $flags): match($re; $flags) | _captured;
def scan($re; $flags): match($re; $flags + "g") | if .captures == [] then .string else [.captures[].string] end;
def scan($re): scan($re; null);
def splits($re): split($re; null)[];
def splits($re; $flags): split($re; $flags)[];
def sub($re; text; $flags):
  . as $source
  | def from($matches; $end; $tail):
      if $matches == [] then $source[:$end] + $tail
      else
        $matches[-1] as $m
        | ($m | _captured | text) as $replacement
        | from($matches[:-1]; $m.offset; $replacement + $source[$m.offset + $m.length:$end] + $tail)
      end;
    from([match($re; $flags)]; length; "");
def sub($re; text): sub($re; text; null);
def gsub($re; text): sub($re; text; "g");
def gsub($re; text; $flags): sub($re; text; $flags + "g");

def INDEX(stream; key): reduce stream as $row ({}; .[$row | key | tostring] = $row);
def INDEX(key): INDEX(.[]; key);
def JOIN($index; key): [.[] | [., $index[key]]];
def JOIN($index; stream; key): stream | [., $index[key]];
def JOIN($index; stream; key; f): stream | [., $index[key]] | f;
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);
`

let parsed: readonly Definition[] | undefined

/** The definitions, parsed on first use. */
export function preludeDefinitions(): readonly Definition[] {
  parsed ??= parseDefinitions(source)
  return parsed
}
