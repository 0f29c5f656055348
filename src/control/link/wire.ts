import { deserialize, serialize } from 'node:v8'

// The messages of the link between an agent and the control plane (ADR 0018): one WebSocket, each binary frame one
// message in V8's structured-clone format, which preserves bytes, undefined and null.

/** Where the control plane accepts links. */
export const linkPath = '/api/agent-link'

/** Raised with every change that an older side would not understand. */
export const linkProtocol = 1

/** The headers of the handshake. */
export const linkHeaders = {
  key: 'warpstream-api-key',
  cluster: 'penstock-virtual-cluster-id',
  protocol: 'penstock-link-protocol',
  version: 'penstock-version',
} as const

/** The largest frame; a commit of 64 objects with many small batches stays well below this. */
export const maxFrameBytes = 64 * 1024 * 1024

/** How often each side checks that the other is alive, and after how long without a sign it counts as gone. */
export const beatMs = 1000
export const silenceMs = 4000

/** What the agent calls: a metadata operation, or the control plane itself. */
export type LinkTarget = 'metadata' | 'control'

/** From the agent. Calls are numbered from 1 on each link. */
export type ToPlane =
  | readonly [kind: 'call', id: number, target: LinkTarget, name: string, values: readonly unknown[]]
  /** The answer is no longer wanted. */
  | readonly [kind: 'cancel', id: number]

/** From the control plane. */
export type ToAgent =
  | readonly [kind: 'result', id: number, value: unknown]
  | readonly [kind: 'error', id: number, code: string, message: string]
  /** A change that others made to the metadata. */
  | readonly [kind: 'change', change: unknown]

export function encode(message: ToPlane | ToAgent): Buffer {
  return serialize(message)
}

/** Throws when the bytes are not a message. */
export function decode(frame: Buffer): unknown {
  return deserialize(frame)
}
