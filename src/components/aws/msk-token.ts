import { Buffer } from 'node:buffer'
import type { Resources } from '../../engine/index.ts'
import { Signer } from '../../storage/index.ts'
import { AwsSession, type SessionConfig } from './session.ts'

/** How long a token is valid, in seconds: what AWS's own clients request. */
const VALID_SECONDS = 900

/**
 * Returns a function that makes tokens for the SASL mechanism OAUTHBEARER, as Amazon MSK expects them from clients that
 * authenticate with AWS credentials: a signed URL of the action `kafka-cluster:Connect`, encoded as URL-safe Base64.
 * Nothing is sent to AWS unless a role must be assumed. The function rejects if there is no region or no credentials.
 */
export function mskTokens(config: SessionConfig, resources: Pick<Resources, 'host' | 'clock'>): () => Promise<string> {
  const session = new AwsSession(config, resources)
  return async () => {
    const region = await session.region()
    const credentials = await session.credentials()
    const host = `kafka.${region}.amazonaws.com`
    const query = new Signer(region, 'kafka-cluster').signQuery(
      { host, query: { Action: 'kafka-cluster:Connect' }, validSeconds: VALID_SECONDS },
      credentials,
      new Date(resources.clock.now()),
    )
    // AWS's clients add their name after signing too.
    return Buffer.from(`https://${host}/?${query}&User-Agent=penstock`).toString('base64url')
  }
}
