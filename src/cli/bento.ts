import process from 'node:process'
import { type EngineOptions, parseOptions, SourceError, UsageError } from './options.ts'
import { version } from './version.ts'

const HELP = `NAME:
   penstock - managed data pipelines on a Kafka-compatible cluster over object storage

USAGE:
   penstock [global options] command [command options]

   penstock -c ./config.yaml
   penstock run ./config.yaml

COMMANDS:
   playground   control plane and agent in one process, nothing kept
   standalone   the same with a data folder that survives
   run          run a stream
   lint         check configurations
   template     check templates and run their tests: template lint FILES
   echo         print a configuration normalised
   list         list components
   create       print a configuration with defaults
   test         run the unit tests of configurations
   blobl        run a mapping over documents from standard input

GLOBAL OPTIONS:
   --config FILE, -c FILE        the configuration
   --resources FILE, -r FILE     more resources; patterns in quotes
   --set PATH=VALUE, -s          override a field
   --env-file FILE, -e FILE      environment variables from a dotenv file
   --templates FILE, -t FILE     templates
   --log.level LEVEL             off, error, warn, info, debug or trace
   --chilled                     run in spite of findings
   --version, -v                 print the version
   --help, -h                    print this
`

/** The stream engine's command line: everything that is no command of Penstock's own. Resolves to the exit code. */
export async function runBento(args: readonly string[]): Promise<number> {
  let options: EngineOptions
  try {
    options = parseOptions(args, ['blobl'])
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stdout.write(`Usage error: ${error.message}\n${HELP}`)
    return 1
  }
  if (options.version) {
    process.stdout.write(`Version: ${version}\n`)
    return 0
  }
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  try {
    return await runCommand(options)
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

async function runCommand(options: EngineOptions): Promise<number> {
  switch (options.command) {
    case '':
      return await (await import('./run.ts')).runStream(options)
    case 'run': {
      if (options.words.length > 1) {
        process.stderr.write('A maximum of one config must be specified with the run command\n')
        return 1
      }
      return await (await import('./run.ts')).runStream({ ...options, config: options.words[0] ?? options.config })
    }
    case 'blobl':
      return await runBloblAfter(options)
    case 'lint':
      return await (await import('./lint.ts')).lintFiles(options)
    case 'template':
      return await (await import('./lint.ts')).lintTemplateFiles(options.words)
    case 'echo':
      return await (await import('./echo.ts')).echoConfig(options)
    case 'create':
      return await (await import('./create.ts')).createConfig(options)
    case 'test':
      return await (await import('./test.ts')).testConfigs(options)
    case 'list':
      return await (await import('./list.ts')).listComponents(options)
    default:
      process.stderr.write(`Unrecognised command: ${options.command}\n${HELP}`)
      return 1
  }
}

/** The flags before `blobl` are those of every command: of them it heeds the files with environment variables. */
async function runBloblAfter({ envFiles, words }: EngineOptions): Promise<number> {
  if (envFiles.length > 0) (await import('./source.ts')).loadEnvFiles(envFiles)
  return await (await import('./blobl.ts')).runBlobl(words)
}
