export async function runBloblServer(_args: readonly string[]): Promise<number> {
  return await Promise.resolve(1)
}
