import type { Sql } from '../../database/index.ts'

/** A single fact about the cluster; undefined if it is not set yet. */
export async function fact(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql.all<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)
  return row?.value
}

export const factWrites = {
  /** The cluster's id; the first one proposed is kept. */
  clusterId: async (sql: Sql, proposed: string): Promise<string> => {
    await sql.run(`INSERT INTO facts (name, value) VALUES ('cluster_id', ?) ON CONFLICT (name) DO NOTHING`, proposed)
    return (await fact(sql, 'cluster_id'))!
  },

  allocateProducerIds: async (sql: Sql, count: number): Promise<number> => {
    const [row] = await sql.all<{ value: string }>(
      `UPDATE facts SET value = CAST(CAST(value AS bigint) + ? AS text) WHERE name = 'next_producer_id' RETURNING value`,
      count,
    )
    return Number(row!.value) - count
  },
}
