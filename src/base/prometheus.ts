/** The names of a series' labels and their values. */
type PrometheusLabels = Readonly<Record<string, string>>

/** Formats a metric in the Prometheus text format; empty without samples. */
export function prometheusFamily(
  name: string,
  type: 'counter' | 'gauge' | 'summary' | 'histogram',
  help: string,
  samples: readonly string[],
): string {
  return samples.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('\n')}\n`
}

/**
 * Formats one line of a metric. Labels are sorted and escaped; `last` follows them, where the libraries of Prometheus
 * write `le` and `quantile`.
 */
export function prometheusSample(
  name: string,
  labels: PrometheusLabels,
  value: number | string,
  last: PrometheusLabels = {},
): string {
  const sorted = Object.entries(labels).toSorted(([left], [right]) => (left < right ? -1 : 1))
  const written = [...sorted, ...Object.entries(last)].map(([label, text]) => `${label}="${escaped(text)}"`).join(',')
  return `${name}${written === '' ? '' : `{${written}}`} ${value}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
