import process from 'node:process'

/** How many milliseconds of the processor a call takes, for tests: a busy machine makes nothing slower here. */
export function processorMs(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
