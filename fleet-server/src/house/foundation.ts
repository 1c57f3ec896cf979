import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { commitParts, openApprovals, openAudit, openChanges } from '../audit/index.ts';
import { keepVaultHead, vaultHeadSeen } from '../keys/index.ts';
import { openEventLog } from '../live/index.ts';
import { makeMetrics } from '../metrics/index.ts';
import { lockFolder, openStore } from '../store/index.ts';
import { migrations } from '../store/migrations.ts';
import { findPassphrase, findPin, openFileVault, openPkcs11Vault, type Vault, type VaultHead } from '../vault/index.ts';
import type { HouseError, HouseOptions } from './options.ts';

/** What all rooms stand on: folder, store, vault, audit log, live events, metrics. What was opened is handed to `onClose` in order. */
export async function openFoundation(options: HouseOptions, onClose: (end: () => Promise<void> | void) => void) {
  const { world, dataDir, tenant } = options;
  const folder = join(dataDir, 'server');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(join(folder, 'lock.sqlite'));
  if (!lock.ok) return fail('DATA_IN_USE', { facts: { dataDir } });
  onClose(() => lock.value.release());

  // What everything else stands on.
  const openedStore = await openStore(join(folder, 'store.sqlite'), migrations, world.clock);
  if (!openedStore.ok) return openedStore;
  const plainStore = openedStore.value;
  onClose(() => plainStore.close());
  const openedVault = await openVaultOf(options, folder, await vaultHeadSeen(plainStore));
  if (!openedVault.ok) return openedVault;
  const vault = openedVault.value;
  onClose(() => vault.close());
  const vaultHead = keepVaultHead(world, plainStore, vault);
  onClose(() => vaultHead.close());
  const changes = openChanges();
  const audit = await openAudit({
    world,
    store: plainStore,
    vault,
    tenant,
    changes,
    headsFile: options.auditHeadsFile ?? join(dataDir, 'audit-heads.jsonl'),
  });
  onClose(() => audit.close());
  // What a request changes carries its entry of the audit log in the same transaction.
  const store = changes.watch(plainStore, commitParts(audit));
  const approvals = openApprovals(world, store, audit.note);
  const live = await openEventLog(world, plainStore);
  onClose(() => live.close());
  const metrics = makeMetrics(world);
  return ok({ folder, store, vault, changes, audit, approvals, live, metrics });
}

/** The vault: in a token where one was named, else in the file of the data folder. */
async function openVaultOf(
  { world, vault, passphrase }: HouseOptions,
  folder: string,
  seen: VaultHead | undefined,
): Promise<Result<Vault, HouseError>> {
  if (vault !== undefined) {
    const pin = await findPin(vault, passphrase);
    return pin.ok ? await openPkcs11Vault(vault, pin.value, world) : pin;
  }
  const found = await findPassphrase(passphrase, join(folder, 'vault-passphrase'), world);
  return await openFileVault(join(folder, 'vault.jsonl'), found, world, seen);
}
