// Promises of ARCHITECTURE.md that are verified by searching the sources (tools/promises.ts covers the others).
import { globSync, readFileSync } from 'node:fs'

interface Claim {
  /** The files that it applies to, as patterns. */
  readonly files: readonly string[]
  readonly except?: readonly string[]
  /** What the files must not contain, or must. */
  readonly refused?: RegExp
  readonly required?: RegExp
  readonly why: string
}

/** Files that build regular expressions from text, and where that text comes from. */
const builtExpressions = [
  // The translation of RE2's syntax, which decides what may run on JavaScript's engine and bounds it.
  'src/bloblang/text/re2/',
  // Names of elements and attributes that the reader itself looks up.
  'src/bloblang/text/xml/reader.ts',
  'src/bloblang/text/html.ts',
  'src/storage/xml.ts',
  // Constants, and names chosen by the program.
  'src/bloblang/text/yaml/format.ts',
  'src/components/mongodb/client.ts',
  'src/bloblang/text/trim.ts',
  'src/bloblang/data/time/layout.ts',
  // A flag of the operator, for names signed by a certificate authority of the operator.
  'src/broker/security/distinguished-names.ts',
]

export const claims: readonly Claim[] = [
  {
    files: ['src/broker/handlers/[0-9]*.ts'],
    // A map that is filled where it is created is a constant.
    refused: /^(?:export )?(?:let |var |const \w+(?:: [^=]+)? = (?:new \w+(?:<.*>)?\(\)|\[\]|\{\})$)/gm,
    why: 'a handler keeps no state',
  },
  {
    files: ['console/src/**/*.{ts,tsx}'],
    // It checks whether the server is reachable before it reloads itself.
    except: ['console/src/api/', 'console/src/main.tsx'],
    refused: /(?<![.\w])fetch\(|new EventSource\(|new XMLHttpRequest\(/g,
    why: 'a page gets what the server knows from the queries of console/src/api, and keeps none of it',
  },
  {
    files: ['src/**/*.ts'],
    except: builtExpressions,
    refused: /(?<![.\w])RegExp\(/g,
    why: "an expression that is built of a text may be a user's: bloblang's RE2 runs it (tools/claims.ts)",
  },
  {
    files: ['src/**/*.ts'],
    // Threads, and code that opens an in-memory database, which is as fast as a Map. The lock of a data folder is taken
    // once.
    except: [
      'src/database/',
      'src/host/databases.ts',
      'src/metadata/sqlite.ts',
      'src/metadata/metadata.worker.ts',
      'src/cli/data-folder.ts',
    ],
    refused: /\bopenSqliteHere\(|import \{[^}]*\} from 'node:sqlite'/g,
    why: 'a database file is used in a thread of its own',
  },
  {
    files: ['src/**/*.ts'],
    // Users' databases, and the functions that open one in memory or in a thread.
    except: [
      'src/database/',
      'src/components/sql/',
      'src/host/databases.ts',
      'src/metadata/sqlite.ts',
      'src/cli/data-folder.ts',
    ],
    refused: /^import (?!type )[^\n]*from '(?:pg|node:sqlite)'/gm,
    why: 'a database of ours is reached through src/database',
  },
  {
    files: ['src/broker/handlers/[0-9]*.ts'],
    except: [
      // The connection itself: its identity, and which APIs there are.
      'src/broker/handlers/17-sasl-handshake.ts',
      'src/broker/handlers/18-api-versions.ts',
      'src/broker/handlers/36-sasl-authenticate.ts',
      // Metrics of the client that pushes them.
      'src/broker/handlers/71-get-telemetry-subscriptions.ts',
      'src/broker/handlers/72-push-telemetry.ts',
    ],
    // config-resources.ts checks access for handlers that change settings.
    required: /\baccess\b|\balterConfigs\(/,
    why: 'a handler asks for access before it tells of a resource or touches it',
  },
  {
    files: ['src/**/*.ts'],
    // The name of a variable in users' scripts.
    except: ['src/cli/main.ts', 'src/components/code/prelude.ts'],
    refused: /\bimport\.meta\.(?:dirname|filename)\b|\b__dirname\b/g,
    why: 'nothing depends on the location of a source file, which differs in the bundle',
  },
  {
    files: ['src/cli/main.ts', 'tools/build.ts', 'bin/penstock'],
    refused: /\btmpdir\(|\/tmp\b/g,
    why: 'compiled code never lies in a folder for temporary files, where others could put code of theirs',
  },
]

/** Findings in the whole tree. */
export function checkClaims(): string[] {
  return claims.flatMap(claim =>
    claim.files
      .flatMap(pattern => globSync(pattern))
      .filter(file => !/\.(?:test|suite|bench|gen)\.tsx?$/.test(file))
      .toSorted()
      .flatMap(file => findingsOf(claim, file, readFileSync(file, 'utf8'))),
  )
}

/** Findings in one file. */
export function findingsOf(claim: Claim, file: string, text: string): string[] {
  if (claim.except?.some(place => file.startsWith(place))) return []
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  if (claim.required?.test(code) === false) return [`${file}: ${claim.why}`]
  const refused = claim.refused === undefined ? [] : [...code.matchAll(claim.refused)]
  return refused.map(([what]) => `${file}: ${JSON.stringify(what.trim())}: ${claim.why}`)
}
