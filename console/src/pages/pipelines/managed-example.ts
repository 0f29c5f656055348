import type { Example } from './examples.ts'

/** Components that access the agent's files, terminal, credentials or ports, which requires a grant. */
const needGrants = /^\s*(- )?(file|stdin|stdout|socket_server|aws_\w+):/m

const properNames = new Map(['IoT', 'Kafka', 'NATS', 'SQL'].map(name => [name.toLowerCase(), name]))

/**
 * An example of config/ as a managed pipeline: on its own cluster instead of one named by a variable, with the defaults
 * of other variables, and without its unit tests. Undefined for one that needs a grant.
 */
export function managedExample(path: string, text: string): Example | undefined {
  if (needGrants.test(text)) return undefined
  const [, summary, body] = /^# (.*)\n((?:#.*\n)*[^]*)$/.exec(text)!
  return {
    name: nameOf(path),
    note: summary!,
    text: body!
      .replace(/\n\ntests:\n[^]*$/, '\n')
      .replaceAll(/\bkafka_franz:\n +seed_brokers: \["\$\{KAFKA:[^"]*"\]\n/g, 'kafka_franz_warpstream:\n')
      .replaceAll(/\$\{[A-Z_]+:([^}]*)\}/g, '$1'),
  }
}

/** `config/nats-to-kafka.yaml` becomes `NATS to Kafka`. */
function nameOf(path: string): string {
  const words = path
    .replace(/^.*\//, '')
    .replace(/\.yaml$/, '')
    .split('-')
  const name = words.map(word => properNames.get(word) ?? word).join(' ')
  return name[0]!.toUpperCase() + name.slice(1)
}
