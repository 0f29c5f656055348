import process from 'node:process'

/** CPU time of a call in milliseconds, for tests: independent of the load on the machine. */
export function processorMs(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
