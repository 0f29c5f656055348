export { unreachable, assert } from './assert.ts'
export { workerUrl } from './worker-url.ts'
export { type Clock, systemClock } from './clock.ts'
export { type Log, type LogFields, type LogLevel, nullLog } from './log.ts'
