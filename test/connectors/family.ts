// What `npm run test:connectors` needs to know about a family of connectors: `test/connectors/<family>.family.ts`
// exports one as its default.

export interface Family {
  /** One line for the list of families. */
  readonly summary: string
  /** Folders with the family's `*.integration.test.ts`. */
  readonly folders: readonly string[]
  /** Whether `.ci/run` skips it because its servers take minutes to install or start. */
  readonly slow?: boolean
  /** Debian packages, by a program or file that each provides. A name without a slash is looked up in `PATH`. */
  readonly debian?: Readonly<Record<string, string>>
  /** Exact `name@version` of npm packages, installed below `.tmp/connectors/npm`. */
  readonly npm?: readonly string[]
  /** Exact `name==version` of PyPI packages, installed into a virtual environment at `.tmp/connectors/python`. */
  readonly pypi?: readonly string[]
  /** Starts the servers on free loopback ports and returns once they accept connections. */
  start(tools: FamilyTools): Promise<RunningFamily>
}

/** Where the packages of a family are installed. */
export interface FamilyTools {
  /** An absolute path in npm's `node_modules/.bin`. */
  npmBin(program: string): string
  /** An absolute path in the `bin` folder of the Python environment. */
  pythonBin(program: string): string
  /** An empty folder for the servers' data, removed afterwards. */
  readonly folder: string
}

export interface RunningFamily {
  /** Environment variables for the tests, by their full names: addresses, passwords, paths of certificates. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}
