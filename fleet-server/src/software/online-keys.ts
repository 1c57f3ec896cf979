import { type Signed, type TufKey, tufKeyId, tufKeyOf, type TufSigner } from '@tsunagu/protocols/software';
import { unwrap } from '@tsunagu/protocols/kit';
import type { Vault } from '../vault/index.ts';

/** The two roles that the server signs by itself. What they can do is bounded by root and targets, whose keys it never has. */
export const onlineRoles = ['snapshot', 'timestamp'] as const;
export type OnlineRole = (typeof onlineRoles)[number];

const uses = { snapshot: 'software-snapshot-signing', timestamp: 'software-timestamp-signing' } as const;

/** The keys of the roles that the server signs. */
export interface OnlineKeys {
  /** The newest of each: what the next root should name. */
  newest(): Readonly<Record<OnlineRole, TufKey>>;
  /** Makes a new one of each; they count when a root names them. */
  renew(): Promise<Readonly<Record<OnlineRole, TufKey>>>;
  /** Those that a root names for a role, and that are here. */
  signers(root: Signed<'root'>, role: OnlineRole): readonly TufSigner[];
}

export async function openOnlineKeys(vault: Vault): Promise<OnlineKeys> {
  const idOf = (role: OnlineRole, number: number): string => `software/${role}/${number}`;
  const idsOf = (role: OnlineRole): readonly string[] =>
    [...vault.idsFor(uses[role])].sort((a, b) => Number(a.split('/').at(-1)) - Number(b.split('/').at(-1)));
  const keyOf = (id: string): TufKey => tufKeyOf(unwrap(vault.publicKey(id)));
  const newest = (): Record<OnlineRole, TufKey> => ({
    snapshot: keyOf(idsOf('snapshot').at(-1) ?? ''),
    timestamp: keyOf(idsOf('timestamp').at(-1) ?? ''),
  });
  for (const role of onlineRoles) if (idsOf(role).length === 0) await vault.ensure(idOf(role, 1), uses[role]);
  return {
    newest,
    async renew() {
      for (const role of onlineRoles) await vault.ensure(idOf(role, idsOf(role).length + 1), uses[role]);
      return newest();
    },
    signers: (root, role) =>
      idsOf(role)
        .map((id) => ({ key: keyOf(id), sign: (bytes: Uint8Array) => vault.sign(id, uses[role], bytes) }))
        .filter(({ key }) => root.roles[role].keyids.includes(tufKeyId(key))),
  };
}
