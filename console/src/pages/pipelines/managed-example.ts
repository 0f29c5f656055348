import type { Example } from './examples.ts'

/** Components that reach for the files, the terminal, the credentials or the ports of the agent, which takes a grant. */
const needGrants = /^\s*(- )?(file|stdin|stdout|socket_server|aws_\w+):/m

const properNames = new Map(['IoT', 'Kafka', 'NATS', 'SQL'].map(name => [name.toLowerCase(), name]))

/**
 * An example of config/ as a managed pipeline has it: on the cluster that it belongs to instead of one that a variable names,
 * with the defaults of other variables, and without its unit tests. Undefined for one that needs a grant.
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

/** `config/nats-to-kafka.yaml` is `NATS to Kafka`. */
function nameOf(path: string): string {
  const words = path
    .replace(/^.*\//, '')
    .replace(/\.yaml$/, '')
    .split('-')
  const name = words.map(word => properNames.get(word) ?? word).join(' ')
  return name[0]!.toUpperCase() + name.slice(1)
}
