import type { Diagnostic } from './syntax/diagnostic.ts'
import type { PatchedDocument } from './json/patched.ts'
import type { JsonWriter } from './json/writer.ts'
import type { MessageView } from './message-view.ts'
import type { MetadataDraft } from './metadata-draft.ts'
import type { Host } from './stdlib/spec.ts'
import type { Value } from './value.ts'

/** Resolves `import "x"` and `from "x"`. */
export interface Importer {
  /**
   * Returns the text of a file; throws an `Error` with a message for the user:
   * `open x.blobl: no such file or directory`.
   */
  read(path: string): string
  /** The importer for that file's own imports: relative paths start at the file's folder. */
  relativeTo(path: string): Importer
}

/** The environment and restrictions that a mapping is compiled with. */
export interface CompileOptions {
  readonly host: Host
  /** If absent, imports are refused. */
  readonly importer?: Importer
  /** Refuses functions and methods that access anything outside the mapping. */
  readonly pureOnly?: boolean
  /** Refuses functions that read the message (`content`, `json`, `metadata` …). */
  readonly withoutMessage?: boolean
  /** Names of functions that are refused. */
  readonly withoutFunctions?: readonly string[]
  /**
   * Which functions and methods are instantiated with their literal arguments, which checks those: `inside` skips the
   * ones that access anything outside the mapping, `none` checks the syntax alone, as the original's lint does.
   * Default: everything.
   */
  readonly constructs?: 'everything' | 'inside' | 'none'
}

/** A mapping, or the errors of its text. */
export type CompileResult =
  | { readonly mapping: Mapping; readonly diagnostics?: undefined }
  | { readonly mapping?: undefined; readonly diagnostics: readonly Diagnostic[] }

/** A location that a mapping reads or writes. An empty path means all of it. */
export interface TargetPath {
  readonly kind: 'metadata' | 'value' | 'root' | 'variable'
  readonly path: readonly string[]
}

/** A compiled mapping. Only its functions keep state between calls (`counter`), so one instance serves one stream. */
export interface Mapping {
  /**
   * Maps `batch[index]` to a new body. `NOTHING` leaves the body unchanged, `DELETED` drops the message. A string or
   * bytes at the root are the raw body, everything else is a document. Metadata is read and written through `draft` if
   * given (reset it to the message's metadata first); otherwise assignments to metadata fail. Throws a `MappingError`
   * with the final text.
   */
  run(batch: readonly MessageView[], index: number, draft?: MetadataDraft): Value
  /** Like `run`, but parts of the document that are only passed through stay bytes, for results printed next. */
  patch(batch: readonly MessageView[], index: number, draft?: MetadataDraft): Value | PatchedDocument
  /**
   * Runs the mapping as a `mutation`: `root` starts as the document of the message, or `NOTHING` if it has none, and
   * `this` sees earlier assignments to the document.
   */
  mutate(batch: readonly MessageView[], index: number, draft?: MetadataDraft): Value | PatchedDocument
  /** Runs the mapping with `root` starting as another message's document, as when a branch maps onto its origin. */
  patchOnto(
    onto: MessageView,
    batch: readonly MessageView[],
    index: number,
    draft?: MetadataDraft,
  ): Value | PatchedDocument
  /** The document as a mutation left it when it threw; `NOTHING` if there is none. */
  readonly reached: Value
  /** Runs the mapping as a condition. Throws a `MappingError` if the result is not a boolean. */
  check(batch: readonly MessageView[], index: number): boolean
  /** Maps a bare value, outside any message. The result is `NOTHING` if nothing was assigned. */
  apply(value: Value): Value
  /** The same, assigning onto a document, which is not modified: the result is a new one. */
  applyOnto(value: Value, document: Value): Value
  /**
   * Runs the mapping as the `blobl` command does: an error inside a map names only the innermost line. `raw` makes
   * `this` the body's bytes.
   */
  runCommand(batch: readonly MessageView[], draft: MetadataDraft, raw: boolean): Value
  /** The same, but may print a document directly to `out`, which escapes HTML; the result is then undefined. */
  runCommand(
    batch: readonly MessageView[],
    draft: MetadataDraft,
    raw: boolean,
    out: JsonWriter | null,
  ): Value | undefined
  /** What the mapping assigns to, in text order. */
  readonly targets: readonly TargetPath[]
  /** What the mapping reads, in text order. */
  readonly reads: readonly TargetPath[]
  /** Whether any of its functions or methods accesses anything outside the mapping. */
  readonly impure: boolean
  /** Whether a map may apply itself: run such mappings in a worker with a stack of `MAP_STACK_MB`. */
  readonly recursive: boolean
  /** The generated program, for human readers. */
  readonly source: string
}

/** A config string that may contain `${! query }`. */
export interface Interpolation {
  /** The text if it contains no query, otherwise null. */
  readonly static: string | null
  /** The text for one message of a batch. Throws `MappingError`. */
  eval(batch: readonly MessageView[], index: number): string
  /** The same as bytes, which is exact even if a query yields bytes that are not UTF-8. */
  evalBytes(batch: readonly MessageView[], index: number): Uint8Array
  readonly reads: readonly TargetPath[]
}

/** An interpolation, or the errors of its text. */
export type InterpolationResult =
  | { readonly interpolation: Interpolation; readonly diagnostics?: undefined }
  | { readonly interpolation?: undefined; readonly diagnostics: readonly Diagnostic[] }
