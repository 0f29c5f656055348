import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock, systemRandom } from '../base/index.ts'
import { migrate, openSqliteHere } from '../database/index.ts'
import { Keys } from './keys.ts'
import { Sealer } from './sealing.ts'
import { Sessions } from './sessions.ts'
import { migrations } from './store/schema.ts'

const database = openSqliteHere({ path: ':memory:' })
after(() => database.close())
await migrate(database, 'control plane', migrations)
const sealer = new Sealer(systemRandom.bytes(32), systemRandom)
const hour = 3_600_000

async function open(now: () => number) {
  const world = { database, clock: { ...systemClock, now }, random: systemRandom }
  return Sessions.open({ ...world, keys: await Keys.open({ ...world, sealer }) })
}

test('a sign-in link and its session are valid at every control plane', async () => {
  const first = await open(() => 0)
  const second = await open(() => 0)
  const { secret } = await second.signIn(first.signInToken)
  assert.ok(await first.find(secret))
  await first.signOut(secret)
  assert.equal(await second.find(secret), undefined)
  await first.close()
  await assert.rejects(second.signIn(first.signInToken), { code: 'invalid_api_key' })
  await second.close()
})

test('a token is valid while its process renews it, and for one more day', async () => {
  let now = 0
  const owner = await open(() => now)
  const other = await open(() => now)
  now = 23 * hour
  await owner.maintain()
  now = 46 * hour
  await other.signIn(owner.signInToken)
  now = 47 * hour
  await assert.rejects(other.signIn(owner.signInToken), { code: 'invalid_api_key' })
})

test('a session ends after thirty days', async () => {
  let now = 0
  const sessions = await open(() => now)
  const { secret, maxAgeMs } = await sessions.signIn(sessions.signInToken)
  now = maxAgeMs - 1
  assert.ok(await sessions.find(secret))
  now = maxAgeMs
  assert.equal(await sessions.find(secret), undefined)
})
