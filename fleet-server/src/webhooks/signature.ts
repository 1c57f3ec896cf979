import { createHmac } from 'node:crypto';
import type { World } from '@tsunagu/protocols/world';

/** A secret, and until when it still signs; null for the one in force. */
export interface WebhookSecret {
  readonly secret: string;
  readonly until: number | null;
}

/** Standard Webhooks 1.0.0, "Signature scheme": `whsec_` and 24 to 64 random bytes, base64. */
export const freshSecret = (world: Pick<World, 'entropy'>): string =>
  `whsec_${Buffer.from(world.entropy(32)).toString('base64')}`;

/** The headers of a message: signed under every secret that still holds, so that a receiver may change over in its own time. */
export function signedHeaders(
  id: string,
  nowMs: number,
  body: string,
  secrets: readonly WebhookSecret[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signatures = secrets
    .filter(({ until }) => until === null || until > nowMs)
    .map(({ secret }) => {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
