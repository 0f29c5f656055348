import type { Rig } from '../../engine/contract/rig.ts'
import { HttpRouter } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'

/** The environment in which the engine's contract suites run. */
export const rig: Rig = { registry: createRegistry(), host: systemHost, http: new HttpRouter(), hungMs: 120_000 }
