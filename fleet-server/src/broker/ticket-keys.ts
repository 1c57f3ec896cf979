import { hkdfSync } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { World } from '@tsunagu/protocols/world';
import type { Vault } from '../vault/index.ts';

/** A ticket is good until its key is replaced, and no longer. RFC 8446, 4.6.1 allows seven days. */
export const ticketLifeMs = 12 * 3_600_000;
const secretLength = 32;
const context = 'tls-tickets/fleet';

/** The keys under which TLS session tickets are sealed. */
export interface TicketKeys {
  /** 48 bytes, as Node's `ticketKeys` has them: those of the present period. */
  current(): Buffer;
  /** Until the next period begins. */
  remainingMs(): number;
}

/** Ticket keys out of one secret: each period has its own, and they are the same after a restart. */
export const ticketKeys = (secret: Uint8Array, world: Pick<World, 'clock'>): TicketKeys => ({
  current: () =>
    Buffer.from(hkdfSync('sha256', secret, '', `${context}/${Math.floor(world.clock.now() / ticketLifeMs)}`, 48)),
  remainingMs: () => ticketLifeMs - (world.clock.now() % ticketLifeMs),
});

/** Takes the secret from its file, where the vault has sealed it, or makes one. One that cannot be opened costs full handshakes only. */
export async function openTicketKeys(
  path: string,
  vault: Pick<Vault, 'seal' | 'open'>,
  world: Pick<World, 'clock' | 'entropy'>,
): Promise<TicketKeys> {
  const kept = await readFile(path).catch(() => undefined);
  const opened = kept && vault.open(context, kept);
  if (opened?.ok && opened.value.length === secretLength) return ticketKeys(opened.value, world);
  const secret = world.entropy(secretLength);
  await writeFile(`${path}.new`, vault.seal(context, secret), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return ticketKeys(secret, world);
}
