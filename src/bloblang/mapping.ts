import type { Diagnostic } from './syntax/diagnostic.ts'
import type { PatchedDocument } from './json/patched.ts'
import type { JsonWriter } from './json/writer.ts'
import type { MessageView } from './message-view.ts'
import type { MetadataDraft } from './metadata-draft.ts'
import type { Host } from './stdlib/spec.ts'
import type { Value } from './value.ts'

/** Where `import "x"` and `from "x"` read. */
export interface Importer {
  /** The text of a file; throws an `Error` whose message is what the user reads (`open x.blobl: no such file or directory`). */
  read(path: string): string
  /** An importer for what that file imports in its turn: its relative paths start at the file's folder. */
  relativeTo(path: string): Importer
}

/** What a mapping is compiled with. */
export interface CompileOptions {
  readonly host: Host
  /** Absent: imports are refused. */
  readonly importer?: Importer
  /** Refuses functions and methods that touch anything outside the mapping. */
  readonly pureOnly?: boolean
  /** Refuses functions that read the message (`content`, `json`, `metadata` …). */
  readonly withoutMessage?: boolean
  /** Names of functions that are refused. */
  readonly withoutFunctions?: readonly string[]
  /**
   * Which functions and methods are made of the arguments that the text gives them: `inside` leaves out those that touch
   * anything outside of the mapping, `none` checks the text alone, as the original's lint does. Everything by default.
   */
  readonly constructs?: 'everything' | 'inside' | 'none'
}

/** A mapping, or what is wrong with its text. */
export type CompileResult =
  | { readonly mapping: Mapping; readonly diagnostics?: undefined }
  | { readonly mapping?: undefined; readonly diagnostics: readonly Diagnostic[] }

/** A place that a mapping reads or writes. An empty path is the whole of it. */
export interface TargetPath {
  readonly kind: 'metadata' | 'value' | 'root' | 'variable'
  readonly path: readonly string[]
}

/** A compiled mapping. It keeps no state between calls but what its functions keep (`counter`), so one instance serves one stream. */
export interface Mapping {
  /**
   * Maps `batch[index]` to a new body. `NOTHING`: the body stays as it is. `DELETED`: the message is dropped. A string or bytes at
   * the root are the raw body, everything else is a document. Metadata is read and written through `draft` when one is given
   * (reset it to the message's metadata first), else assignments to metadata fail. Throws `MappingError` with the final text.
   */
  run(batch: readonly MessageView[], index: number, draft?: MetadataDraft): Value
  /** The same, where parts of the document that are only carried along stay as they are: for results that are printed next. */
  patch(batch: readonly MessageView[], index: number, draft?: MetadataDraft): Value | PatchedDocument
  /**
   * The `mutation` form: `root` starts as the document of the message, `NOTHING` where it has none, and `this` sees what was
   * assigned to the document before.
   */
  mutate(batch: readonly MessageView[], index: number, draft?: MetadataDraft): Value | PatchedDocument
  /** `root` starts as the document of another message, as when the result of a branch is written over its origin. */
  patchOnto(
    onto: MessageView,
    batch: readonly MessageView[],
    index: number,
    draft?: MetadataDraft,
  ): Value | PatchedDocument
  /** How far a mutation that threw had come with the document; `NOTHING` where there is none. */
  readonly reached: Value
  /** The mapping as a condition: true or false, or a `MappingError` where the result is neither. */
  check(batch: readonly MessageView[], index: number): boolean
  /** Maps a bare value, outside of any message. The result is `NOTHING` where nothing was assigned. */
  apply(value: Value): Value
  /** The same, assigning onto a document, which is not changed: the result is a new one. */
  applyOnto(value: Value, document: Value): Value
  /** The way of the `blobl` command: an error inside a map names only the innermost line. `raw`: `this` is the body's bytes. */
  runCommand(batch: readonly MessageView[], draft: MetadataDraft, raw: boolean): Value
  /** The same, where a document may be printed to `out`, which escapes HTML, at once: then the result is undefined. */
  runCommand(
    batch: readonly MessageView[],
    draft: MetadataDraft,
    raw: boolean,
    out: JsonWriter | null,
  ): Value | undefined
  /** What the mapping assigns to, in the order of the text. */
  readonly targets: readonly TargetPath[]
  /** What the mapping reads, in the order of the text. */
  readonly reads: readonly TargetPath[]
  /** Whether any function or method in it touches anything outside the mapping. */
  readonly impure: boolean
  /** Whether a map may apply itself: run such mappings in a worker with a stack of `MAP_STACK_MB`. */
  readonly recursive: boolean
  /** The generated program, for people. */
  readonly source: string
}

/** A string of a config with `${! query }` in it. */
export interface Interpolation {
  /** The text where it holds no query at all. */
  readonly static: string | null
  /** The text for one message of a batch. Throws `MappingError`. */
  eval(batch: readonly MessageView[], index: number): string
  /** The same as bytes, exact where a query yields bytes that are not UTF-8. */
  evalBytes(batch: readonly MessageView[], index: number): Uint8Array
  readonly reads: readonly TargetPath[]
}

/** An interpolation, or what is wrong with its text. */
export type InterpolationResult =
  | { readonly interpolation: Interpolation; readonly diagnostics?: undefined }
  | { readonly interpolation?: undefined; readonly diagnostics: readonly Diagnostic[] }
