import type { Sql } from '../../database/index.ts'
import type { Now } from '../now.ts'
import { MetadataError } from '../errors.ts'
import type { Fence, Lease, LeaseHolder } from '../metadata.ts'
import type { LeaseRow } from '../schema.ts'

const LEASES =
  'SELECT name, epoch, holder, expires_at FROM leases WHERE name IN (SELECT name FROM ROWS(name text) AS r)'

export const leaseReads = {
  findLeases: async (sql: Sql, names: readonly string[], now: Now): Promise<(Lease | null)[]> => {
    const leases = await readLeases(sql, names, '')
    return names.map(name => {
      const lease = leases.get(name)
      return lease === undefined || lease.expiresAt <= now ? null : lease
    })
  },
}

export const leaseWrites = {
  acquireLeases: async (
    sql: Sql,
    names: readonly string[],
    holder: LeaseHolder,
    durationMs: number,
    now: Now,
  ): Promise<Lease[]> => {
    const unique = [...new Set(names)].toSorted()
    await sql.run(
      `INSERT INTO leases (name, epoch, holder_id, holder, expires_at) SELECT name, 0, '', '', 0
       FROM ROWS(name text) AS r WHERE true ORDER BY name ON CONFLICT (name) DO NOTHING`,
      unique.map(name => [name]),
    )
    const leases = await readLeases(sql, unique, 'FOR UPDATE')
    const expiresAt = now + durationMs
    const changed: Lease[] = []
    for (const [name, lease] of leases) {
      const isOwn = lease.epoch > 0 && lease.holder.id === holder.id
      if (!isOwn && lease.expiresAt > now) continue
      // From here on the epoch refuses whatever a former holder still tries to write.
      const taken = { name, holder, expiresAt, epoch: isOwn ? lease.epoch : lease.epoch + 1 }
      leases.set(name, taken)
      changed.push(taken)
    }
    await sql.run(
      `UPDATE leases SET epoch = r.epoch, holder_id = ?, holder = ?, expires_at = ?
       FROM ROWS(name text, epoch integer) AS r WHERE leases.name = r.name`,
      holder.id,
      JSON.stringify(holder),
      expiresAt,
      changed.map(({ name, epoch }) => [name, epoch]),
    )
    return names.map(name => leases.get(name)!)
  },

  renewLeases: async (
    sql: Sql,
    fences: readonly Fence[],
    holderId: string,
    durationMs: number,
    now: Now,
  ): Promise<boolean[]> => {
    const rows = fences.map(({ lease, epoch }) => [lease, epoch])
    const isHeld = '(name, epoch) IN (SELECT name, epoch FROM ROWS(name text, epoch integer) AS r)'
    await sql.all(`SELECT name FROM leases WHERE ${isHeld} ORDER BY name FOR UPDATE`, rows)
    const renewed = await sql.all<{ name: string }>(
      `UPDATE leases SET expires_at = ? WHERE holder_id = ? AND ${isHeld} RETURNING name`,
      now + durationMs,
      holderId,
      rows,
    )
    const names = new Set(renewed.map(({ name }) => name))
    return fences.map(({ lease }) => names.has(lease))
  },

  raiseFence: async (sql: Sql, { lease, epoch }: Fence): Promise<boolean> => {
    await sql.run(
      `INSERT INTO leases (name, epoch, holder_id, holder, expires_at) VALUES (?, ?, '', ?, 0)
       ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch WHERE leases.epoch < excluded.epoch`,
      lease,
      epoch,
      JSON.stringify(noHolder),
    )
    return (await epochsOf(sql, [lease])).get(lease) === epoch
  },

  releaseLeases: async (sql: Sql, holderId: string): Promise<void> => {
    await sql.run('UPDATE leases SET expires_at = 0 WHERE holder_id = ?', holderId)
  },
}

/** Rejects with `fenced` unless the lease still has this epoch, which then cannot change until the transaction ends. */
export async function checkFence(sql: Sql, { lease, epoch }: Fence): Promise<void> {
  const [row] = await sql.all<{ epoch: number }>('SELECT epoch FROM leases WHERE name = ? FOR SHARE', lease)
  if (row?.epoch === epoch) return
  throw new MetadataError('fenced', `the lease ${lease} of epoch ${epoch} has passed to another holder`)
}

/** The current epochs of leases, which cannot change until the transaction ends. */
export async function epochsOf(sql: Sql, names: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.all<Pick<LeaseRow, 'name' | 'epoch'>>(
    'SELECT name, epoch FROM leases WHERE name IN (SELECT name FROM ROWS(name text) AS r) ORDER BY name FOR SHARE',
    names.map(name => [name]),
  )
  return new Map(rows.map(({ name, epoch }) => [name, epoch]))
}

async function readLeases(sql: Sql, names: readonly string[], lock: '' | 'FOR UPDATE'): Promise<Map<string, Lease>> {
  const rows = await sql.all<Pick<LeaseRow, 'name' | 'epoch' | 'holder' | 'expires_at'>>(
    `${LEASES} ORDER BY name ${lock}`,
    names.map(name => [name]),
  )
  return new Map(
    rows.map(({ name, epoch, holder, expires_at: expiresAt }) => {
      // Only acquireLeases writes the column, and it is empty before the first epoch.
      const parsed = epoch === 0 ? noHolder : (JSON.parse(holder) as LeaseHolder)
      return [name, { name, epoch, holder: parsed, expiresAt }]
    }),
  )
}

const noHolder: LeaseHolder = { id: '', nodeId: -1, host: '', port: -1 }
