import process from 'node:process'
import { type Call, type Command, command } from './command.ts'
import { flag, type FlagSpecs } from './flags.ts'
import { kafkaSecurityFlags } from './kafka-security-flags.ts'
import { type EngineOptions, engineFlags, engineOptions } from './options.ts'

/** What pipelines may access. */
const grantFlags = {
  pipelinesGrant: flag.text(
    '',
    'what pipelines may access on this host in addition to the network, such as files=/data,env=PIPELINE_*: files, database_files, processes, env, network, listen, stdio',
    { value: 'GRANTS', isOurs: true },
  ),
  enablePipelinesHostAccess: flag.boolean('grant pipelines everything that -pipelinesGrant can grant', {
    isOurs: true,
  }),
} as const

const logFlags = {
  logLevel: flag.text('warn', 'log lines of this severity and above, on standard error', {
    choices: ['debug', 'info', 'warn', 'error'],
  }),
} as const

/** The ports and the location of an agent. */
const agentPortFlags = {
  kafkaPort: flag.port(9092, 'where Kafka clients connect'),
  httpPort: flag.port(8080, "the agent's own HTTP server: /v1/status and /metrics"),
  pipelinesPort: flag.port(4195, 'the HTTP server that pipelines share, for http_server and the like', {
    isOurs: true,
  }),
  discoveryKafkaHostnameOverride: flag.text('', 'the host name advertised to Kafka clients', {
    aliases: ['advertisedHostname'],
  }),
  managedPipelinesGroupName: flag.text(
    '',
    'run only pipelines with this pipeline_group; by default, those without one',
  ),
  availabilityZone: flag.text('', 'the zone of this agent, for clients and pipelines'),
  objectDeletionDryRun: flag.boolean('only log which objects of the bucket would be deleted', {
    isOurs: true,
  }),
  ...grantFlags,
  ...kafkaSecurityFlags,
} as const

const consoleFlags = { consolePort: flag.port(9080, 'the console and the API', { isOurs: true }) } as const

/** The flags of the commands that run everything in one process. */
export const localFlags = {
  ...agentPortFlags,
  ...consoleFlags,
  bindAddress: flag.text(
    '127.0.0.1',
    'the address that all servers listen on; only the Kafka port has TLS, so change it with care',
    { isOurs: true },
  ),
  enableManagedPipelines: flag.boolean('run pipelines here', { default: true }),
  ...logFlags,
} as const

/** The location of a virtual cluster and its records. */
export const clusterFlags = {
  bucketURL: flag.text('', 'where records are stored: s3://, gs://, azblob:// or file:///', { value: 'URL' }),
  agentKey: flag.text('', 'an agent key of the virtual cluster', { value: 'KEY', aliases: ['apiKey'] }),
  agentKeyPath: flag.text('', 'the file with the agent key', { value: 'FILE' }),
  defaultVirtualClusterID: flag.text('', 'the virtual cluster', { value: 'ID' }),
  metadataURL: flag.list('control planes, or a load balancer in front of them, http://HOST:PORT', { value: 'URL' }),
} as const

export const agentFlags = {
  ...clusterFlags,
  region: flag.text('', 'accepted but unused: -metadataURL is the address of the control plane'),
  agentPoolName: flag.text('', 'accepted but unused: the agent key determines the cluster'),
  disablePublishMetricsJob: flag.boolean(
    'accepted but unused: each agent serves its own metrics and those of the cluster',
  ),
  roles: flag.list('proxy, proxy-produce, proxy-consume, jobs, pipelines; by default proxy and jobs', {
    environment: 'WARPSTREAM_AGENT_ROLES',
    value: 'ROLES',
  }),
  agentGroup: flag.text('', 'Kafka clients see only the agents of the group to which they connect'),
  enableManagedPipelines: flag.boolean('run pipelines here: adds the role pipelines'),
  bindAddress: flag.text('0.0.0.0', 'the address that all servers listen on', { isOurs: true }),
  ...agentPortFlags,
  discoveryKafkaPortOverride: flag.port(0, 'the port advertised to Kafka clients; 0 for -kafkaPort'),
  batchTimeout: flag.text('', 'how long records are collected before they are written, such as 250ms', {
    value: 'DURATION',
  }),
  groupInitialRebalanceDelayMs: flag.integer(3000, 'how long the first members of a consumer group wait for more', {
    isOurs: true,
  }),
  processes: flag.integer(0, 'processes of this agent behind one Kafka port; 0 for one per core', {
    isOurs: true,
    value: 'N',
  }),
  sharedKafkaPort: flag.port(0, 'a further Kafka port, shared with other processes; set by -processes', {
    isOurs: true,
  }),
  memoryShare: flag.integer(1, 'processes that share the memory of this machine or container; set by -processes', {
    isOurs: true,
    value: 'N',
  }),
  runPipelines: flag.boolean('run pipelines in this process; set by -processes', {
    default: true,
    isOurs: true,
  }),
  gracefulShutdownDuration: flag.text('80s', 'how long clients and pipelines have to move away at shutdown', {
    value: 'DURATION',
  }),
  ...logFlags,
} as const

export const controlPlaneFlags = {
  databaseURL: flag.text('', 'postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:FILE for a single control plane', {
    isOurs: true,
    value: 'URL',
  }),
  ...consoleFlags,
  bindAddress: flag.text('127.0.0.1', 'the address to listen on; it has no TLS, so change it with care', {
    isOurs: true,
  }),
  peerURL: flag.text('', 'the address of this control plane for the others; by default the one it listens on', {
    isOurs: true,
    value: 'URL',
  }),
  sealingKey: flag.text('', 'encrypts secrets in the database, 64 hexadecimal digits; with SQLite stored next to it', {
    isOurs: true,
    value: 'KEY',
  }),
  sealingKeyPath: flag.text('', 'the file with the sealing key', {
    isOurs: true,
    value: 'FILE',
  }),
  bootstrapKey: flag.text('', 'the application key created in an empty database; random by default', {
    isOurs: true,
    value: 'KEY',
  }),
  bootstrapAgentKey: flag.text('', 'the agent key created in an empty database; random by default', {
    isOurs: true,
    value: 'KEY',
  }),
  bootstrapVirtualClusterID: flag.text('', 'the virtual cluster created in an empty database; random by default', {
    isOurs: true,
    value: 'ID',
  }),
  ...grantFlags,
  ...logFlags,
} as const

const standaloneFlags = {
  ...localFlags,
  dataDir: flag.text('./data', 'the folder for all data', { value: 'FOLDER', isOurs: true }),
} as const

export const bucketCheckFlags = {
  dataDir: flag.text('', 'the data folder of a stopped standalone server, instead of the flags below', {
    value: 'FOLDER',
    isOurs: true,
  }),
  ...clusterFlags,
  ...logFlags,
} as const

export const bucketRebuildFlags = {
  dataDir: flag.text('', 'the data folder of a stopped standalone server, instead of the flags below', {
    value: 'FOLDER',
    isOurs: true,
  }),
  bucketURL: clusterFlags.bucketURL,
  defaultVirtualClusterID: clusterFlags.defaultVirtualClusterID,
  databaseURL: controlPlaneFlags.databaseURL,
  ...logFlags,
} as const

export const kcmdFlags = {
  type: flag.text('', 'what to do', { choices: ['diagnose-connection'] }),
  'bootstrap-host': flag.text('localhost', 'the host of a broker', { value: 'HOST' }),
  'bootstrap-port': flag.port(9092, 'its port'),
  tls: flag.boolean('connect with TLS'),
  tlsServerCACertFile: flag.text('', 'the authority of the server certificate, instead of those of the system', {
    value: 'FILE',
  }),
  tlsClientCertFile: flag.text('', 'the client certificate', { value: 'FILE' }),
  tlsClientPrivateKeyFile: flag.text('', 'the private key of the client certificate', { value: 'FILE' }),
  username: flag.text('', 'authenticate with this name, by SASL PLAIN', { value: 'NAME' }),
  password: flag.text('', 'the password', { value: 'PASSWORD' }),
} as const

export const bloblFlags = {
  threads: flag.integer(1, 'threads to map in, at most one per core; the order is preserved', {
    short: 't',
    value: 'N',
  }),
  raw: flag.boolean('read lines as raw text', { short: 'r' }),
  pretty: flag.boolean('indent documents', { short: 'p' }),
  file: flag.text('', 'read the mapping from a file', { short: 'f', value: 'FILE' }),
  'max-token-length': flag.integer(65_536, 'the maximum length of a line in bytes', { value: 'N' }),
} as const

export const bloblServerFlags = {
  host: flag.text('localhost', 'the address to listen on'),
  port: flag.port(4195, 'the port', { short: 'p' }),
  'no-open': flag.boolean('do not open a browser', { short: 'n' }),
  'input-file': flag.text('', 'start with the document in this file', { short: 'i', value: 'FILE' }),
  'mapping-file': flag.text('', 'start with the mapping in this file', { short: 'm', value: 'FILE' }),
  write: flag.boolean('write changes on the page to these files', { short: 'w' }),
} as const

const kinds = ['inputs', 'processors', 'outputs', 'caches', 'rate-limits', 'buffers', 'metrics', 'tracers', 'scanners']

const bloblServer = command({
  summary: 'serve a page for trying out mappings',
  description: '   Mappings on the page can access neither files nor environment variables.',
  flags: bloblServerFlags,
  run: async ({ flags }) => (await import('./blobl-server.ts')).runBloblServer(flags),
})

/** Every command, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  playground: command({
    summary: 'run a whole cluster with console and pipelines that keeps nothing',
    isAgent: true,
    flags: localFlags,
    run: async ({ flags }) => (await import('./local.ts')).runLocal('playground', flags, null),
  }),
  standalone: command({
    summary: 'run a whole cluster with console and pipelines that keeps everything in one folder',
    isAgent: true,
    flags: standaloneFlags,
    run: async ({ flags }) => (await import('./local.ts')).runLocal('standalone', flags, flags.dataDir),
  }),
  'control-plane': command({
    summary: 'run a control plane on PostgreSQL or an SQLite file, for separate agents',
    isAgent: true,
    flags: controlPlaneFlags,
    run: async ({ flags }) => (await import('./control-plane.ts')).runControlPlane(flags),
  }),
  agent: command({
    summary: 'run an agent on a bucket, for a control plane',
    isAgent: true,
    flags: agentFlags,
    run: async ({ flags }) => (await import('./agent.ts')).runAgent(flags, process.argv.slice(2)),
  }),
  bucket: command({
    summary: 'check the records of a cluster, or rebuild their metadata',
    usage: 'check|rebuild',
    flags: {},
    subcommands: {
      check: command({
        summary: 'compare a bucket with the metadata, and read every record batch in it',
        description: `   Every extent must be in its object, every batch must match its checksum, offsets must have no gaps, and open
   transactions must have an owner. Objects unknown to the metadata are listed. It only reads, so the cluster may be
   running. Exits with 1 if records are damaged or missing:

     penstock bucket check -dataDir ./data
     penstock bucket check -bucketURL s3://BUCKET -agentKey KEY -defaultVirtualClusterID ID -metadataURL http://HOST:9080`,
        isAgent: true,
        flags: bucketCheckFlags,
        run: async ({ flags }) => (await import('./bucket.ts')).runBucketCheck(flags),
      }),
      rebuild: command({
        summary: 'rebuild the metadata of a cluster from its bucket, when the database is lost',
        description: `   Reads the latest manifest of the bucket and what was put after it: every record keeps its offset, groups have the
   offsets of the manifest, open transactions are aborted. What is missing is listed. The bucket does not change, except
   for the ends of transactions. The database must have no metadata of the cluster, and no agent may run. Users of the
   Kafka port and pipelines are not in the bucket. Exits with 1 if records are missing:

     penstock bucket rebuild -dataDir ./data
     penstock bucket rebuild -bucketURL s3://BUCKET -defaultVirtualClusterID ID -databaseURL postgres://USER:PASSWORD@HOST/DATABASE`,
        isAgent: true,
        flags: bucketRebuildFlags,
        run: async ({ flags }) => (await import('./bucket-rebuild.ts')).runBucketRebuild(flags),
      }),
    },
    run: async ({ words }) => (await import('./bucket.ts')).refuseBucketCommand(words),
  }),
  kcmd: command({
    summary: 'diagnose why Kafka clients cannot connect',
    usage: '-type diagnose-connection',
    description: `   Connects as a Kafka client does, step by step, and to every broker of the cluster. Exits with 1 if a
   step fails:

     penstock kcmd -type diagnose-connection -bootstrap-host localhost -bootstrap-port 9092`,
    flags: kcmdFlags,
    run: async ({ flags }) => (await import('./kcmd.ts')).runKcmd(flags),
  }),
  run: engineCommand({
    summary: 'run a stream',
    usage: '[FILE]',
    description: '   penstock run ./config.yaml',
    words: 'files',
    flags: {},
    run: runOneStream,
  }),
  streams: engineCommand({
    summary: 'run many streams, from files and through a REST API',
    usage: '[FILES]',
    description: `   The configuration holds what the streams share: the HTTP server, logs, metrics and resources. Each file
   holds one stream, named after the file; a folder stands for all YAML files below it.

     penstock -c ./config.yaml streams ./streams ./more/*.yaml`,
    words: 'files',
    flags: {
      'no-api': flag.boolean('disable the REST API that changes streams'),
      'prefix-stream-endpoints': flag.boolean("serve endpoints of a stream's components below the stream's name", {
        default: true,
      }),
    },
    run: async (options, flags) => (await import('./streams.ts')).runStreams(options, flags),
  }),
  lint: engineCommand({
    summary: 'check configurations',
    usage: 'FILES',
    description: `   Exits with 1 if anything is found. A path that ends with ... stands for all YAML files below it:

     penstock lint ./configs/*.yaml
     penstock lint ./configs/...`,
    words: 'files',
    flags: {
      deprecated: flag.boolean('report deprecated fields'),
      labels: flag.boolean('report components without a label'),
      'skip-env-var-check': flag.boolean('accept environment variables that are not set and have no default'),
    },
    run: async (options, flags) => (await import('./lint.ts')).lintFiles(options, flags),
  }),
  template: command({
    summary: 'check templates and run their tests',
    usage: 'lint FILES',
    flags: {},
    subcommands: {
      lint: command({
        summary: 'check templates and run their tests',
        usage: 'FILES',
        words: 'files',
        flags: {},
        run: async ({ words }) => (await import('./lint.ts')).lintTemplateFiles(['lint', ...words]),
      }),
    },
    run: async ({ words }) => (await import('./lint.ts')).lintTemplateFiles(words),
  }),
  echo: engineCommand({
    summary: 'print a normalised configuration',
    description: '   penstock -c ./config.yaml echo',
    flags: {},
    run: async options => (await import('./echo.ts')).echoConfig(options),
  }),
  list: engineCommand({
    summary: 'list components',
    usage: '[KINDS]',
    description: '   penstock list --format json inputs outputs',
    words: kinds,
    flags: {
      format: flag.text('text', 'the format of the list', {
        choices: ['text', 'json', 'json-full', 'json-full-scrubbed', 'cue'],
      }),
      status: flag.text('', 'only components of this status', { choices: ['stable', 'beta', 'experimental'] }),
    },
    run: async (options, flags) => (await import('./list.ts')).listComponents(options, flags),
  }),
  create: engineCommand({
    summary: 'print a configuration with defaults',
    usage: '[INPUTS/PROCESSORS/OUTPUTS]',
    description: `   Each part is a comma-separated list of names:

     penstock create stdin/mapping,log/stdout`,
    flags: { small: flag.boolean('omit advanced fields', { short: 's' }) },
    run: async (options, flags) => (await import('./create.ts')).createConfig(options, flags),
  }),
  test: engineCommand({
    summary: 'run the unit tests of configurations',
    usage: '[FILES]',
    description: `   Exits with 1 if a test fails. Without files it tests everything below this folder:

     penstock test ./path/to/configs/...`,
    words: 'files',
    flags: {
      log: flag.text('', 'the log level of components', {
        value: 'LEVEL',
        choices: ['off', 'error', 'warn', 'info', 'debug', 'trace'],
      }),
      junit: flag.text('', 'write the results to this file, as JUnit XML', { value: 'FILE' }),
      watch: flag.boolean('rerun the tests when their files change'),
    },
    run: async (options, flags) => (await import('./test.ts')).testConfigs(options, flags),
  }),
  blobl: command({
    summary: 'run a mapping over documents from standard input',
    usage: '[MAPPING]',
    description: `   Each line is a document:

     cat documents.jsonl | penstock blobl 'root.name = this.name.uppercase()'
     echo '{"foo":"bar"}' | penstock blobl -f ./mapping.blobl`,
    stopsAtWord: true,
    flags: bloblFlags,
    subcommands: { server: bloblServer, playground: bloblServer },
    run: async ({ flags, words }) => (await import('./blobl.ts')).runBlobl(flags, words[0] ?? ''),
  }),
  completion: command({
    summary: 'print the completion script of a shell',
    usage: 'bash|zsh|fish',
    description: `   source <(penstock completion bash)
   source <(penstock completion zsh)
   penstock completion fish | source`,
    words: ['bash', 'zsh', 'fish'],
    stopsAtWord: true,
    flags: {},
    run: async ({ words }) => (await import('./completion.ts')).printCompletion(words),
  }),
}

async function runOneStream(options: EngineOptions): Promise<number> {
  const [file = options.config, ...more] = options.words
  if (more.length === 0) return await (await import('./run.ts')).runStream({ ...options, config: file })
  process.stderr.write('A maximum of one config must be specified with the run command\n')
  return 1
}

interface EngineCommand<Specs extends FlagSpecs> extends Omit<Command<Specs>, 'run'> {
  run(options: EngineOptions, flags: Call<Specs>['flags']): Promise<number>
}

/** A command of the stream engine, which accepts the engine's flags in addition to its own. */
function engineCommand<const Specs extends FlagSpecs>(spec: EngineCommand<Specs>): Command {
  return command<typeof engineFlags & Specs>({
    ...spec,
    flags: { ...withoutShorts(engineFlags, spec.flags), ...spec.flags },
    run: ({ flags, words }) => spec.run(engineOptions(flags, words), flags),
  })
}

/** The same flags without short names that the command uses itself: in `create`, `-s` is `--small`, not `--set`. */
function withoutShorts<const Specs extends FlagSpecs>(flags: Specs, own: FlagSpecs): Specs {
  const taken = new Set(Object.values(own).flatMap(({ short }) => short ?? []))
  const entries = Object.entries(flags).map(([name, spec]) => {
    const { short, ...rest } = spec
    return [name, short !== undefined && taken.has(short) ? rest : spec]
  })
  return Object.fromEntries(entries) as Specs // the same names, with the same kinds
}
