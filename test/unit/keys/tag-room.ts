import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArtefacts } from '@tsunagu/fleet-server/artefacts/index';
import { type Actor, openApprovals } from '@tsunagu/fleet-server/audit/index';
import { openKeys, openTagRotations } from '@tsunagu/fleet-server/keys/index';
import { openNegative } from '@tsunagu/fleet-server/negative/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import type { Vault } from '@tsunagu/fleet-server/vault/index';
import { type Hello, type KeySlot, serialSchema } from '@tsunagu/protocols/fleet';
import { secretPan, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';

export const serial = serialSchema.parse('CT5100-0001');
export const world = systemWorld(() => undefined);
export const by = { subject: 'olga' };
export const [listed, urgent, excepted] = ['4761739001010127', '4761739001010010', '5413330089010012'] as const;
export const goes = { key: 'negative/tags/2', from: 'negative/tags/1' };
export const operator: Actor = { subject: 'olga', via: 'token', roles: ['operator'] };
export const custodian: Actor = { subject: 'anna', via: 'token', roles: ['custodian'] };

export type Held = { slot: KeySlot; kcv: string };
export const slots = (held: readonly Held[]): KeySlot[] => held.map(({ slot }) => slot).toSorted();

/** The rooms that the key of negative lists gives way in, with one terminal that is protected, on a vault of this kind. */
export async function openTagRoom(openVault: (folder: string) => Promise<Vault>) {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-tags-'));
  const store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  let vault = await openVault(folder);
  const noted: string[] = [];
  async function openRooms() {
    const keys = await openKeys(world, store, vault);
    const negative = await openNegative({
      world,
      store,
      vault,
      artefacts: await openArtefacts(join(folder, 'artefacts')),
      tagKeys: keys.tags,
      publish: () => undefined,
      announce: () => undefined,
      floorLimits: () => Promise.resolve(() => 0),
    });
    const approvals = openApprovals(world, store, (_, { action }) => Promise.resolve(void noted.push(action)));
    const rotations = openTagRotations({
      world,
      store,
      tags: keys.tags,
      approvals,
      retag: () => negative.retag(),
      takeBack: () => Promise.reject(new Error('no job is open here')),
      askAll: () => void noted.push('asked'),
    });
    return { keys, negative, approvals, rotations };
  }
  let rooms = await openRooms();
  const place = { merchant: 'm', shop: 's', lane: '', parent: null, relay_port: null };
  await store.db
    .insertInto('terminals')
    .values({ serial, model: 'CT-5100', ...place, registered_at: 0, enrolled_at: 0, lifecycle: 'deployed' })
    .execute();
  const { id, checkValue } = await vault.ensure('kbpk/1', 'key-block-protection');
  await store.write((tx) => rooms.keys.protect(tx, serial, id, checkValue));

  return {
    store,
    get vault() {
      return vault;
    },
    /** What the audit log was told, and `asked` when terminals were to show their keys. */
    noted,
    get keys() {
      return rooms.keys;
    },
    get negative() {
      return rooms.negative;
    },
    get approvals() {
      return rooms.approvals;
    },
    get rotations() {
      return rooms.rotations;
    },
    /** The same store and vault, by a server that was just started. */
    async restart(): Promise<void> {
      rooms.negative.close();
      await vault.close();
      vault = await openVault(folder);
      rooms = await openRooms();
    },
    /** A hello that shows these keys; what it brings is loaded and proven. */
    async contact(shown: readonly Held[], negative: Hello['negative'] = []) {
      const { loads, erases } = await store.write(async (tx) => {
        await rooms.negative.observe(tx, serial, negative);
        return await rooms.keys.reconcile(tx, serial, [...shown], () => false);
      });
      for (const load of loads) await store.write((tx) => rooms.keys.proven(tx, serial, load));
      return { held: [...shown, ...loads.map(({ slot, kcv }) => ({ slot, kcv }))], loads, erases };
    },
    /** What a terminal says of lists that has the newest. */
    told() {
      const { list, version, overlaySeq } = rooms.negative.state;
      return [{ list, version, overlaySeq, freshAt: 0 }];
    },
    /** A card by a source, one by hand, and an exception. */
    async list(): Promise<void> {
      const text = `pan,reason\n${listed},lost\n`;
      unwrap(await rooms.negative.importList({ list: 'regular', source: 'visa', mode: 'replace', text }, by));
      unwrap(await rooms.negative.add(secretPan(urgent), 'stolen', by));
      unwrap(await rooms.negative.allow(secretPan(excepted), false, by));
    },
    /** What terminals say of these three. */
    async answers(): Promise<readonly string[]> {
      const found = [];
      for (const pan of [listed, urgent, excepted])
        found.push((await rooms.negative.explain(secretPan(pan))).atTerminals);
      return found;
    },
    /** Breaks the rotation off as one person asks and another approves. */
    async breakOff(key: string): Promise<void> {
      const asked = unwrap(await rooms.rotations.askBreakOff(key, 'a source cannot send its list again', operator));
      unwrap(await rooms.approvals.decide(asked.breakOff?.approval ?? '', custodian, 'approved'));
    },
    async close(): Promise<void> {
      rooms.negative.close();
      await vault.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
export type TagRoom = Awaited<ReturnType<typeof openTagRoom>>;
