import { readFile } from 'node:fs/promises';
import { fail, lastFour, ok, unwrap } from '@tsunagu/protocols/kit';
import { openContainer } from '@tsunagu/protocols/negative';
import { decodeHead, decodeSigned, encodeSigned } from '@tsunagu/protocols/negative/authority';
import { encodeClaim, proveIn } from '@tsunagu/protocols/negative/proof';
import { isoTime } from '../store/index.ts';
import type { ListParts, Negative } from './ports.ts';
import { isCardNumber } from './rules.ts';
import { openRows } from './versions.ts';

const clockErrorMs = 300_000;

/** The root that a stored head was signed under. */
const rootVersionOf = (head: string): number =>
  unwrap(decodeHead(unwrap(decodeSigned(Uint8Array.from(Buffer.from(head, 'base64')))).document.payload)).rootVersion;

/** What each terminal said it applies, and the proof of it for a dispute. */
export function openEvidence(parts: ListParts): Pick<Negative, 'observe' | 'prove'> {
  const { rooms, list, signing, macOf } = parts;
  const { world, store } = rooms;
  const { versionRow } = openRows(parts);
  return {
    async prove(pan, serial, asked) {
      if (!pan.use(isCardNumber)) return fail('PAN_INVALID', { field: 'pan' });
      // Nothing is known of what is still to come; whoever asks about now may have another clock.
      const now = world.clock.now();
      if (asked > now + clockErrorMs) return fail('INPUT_INVALID', { field: 'at' });
      const at = Math.min(asked, now);
      const applied = await store.db
        .selectFrom('negative_applied_log')
        .selectAll()
        .where('serial', '=', serial)
        .where('list', '=', list)
        .where('at', '<=', at)
        .orderBy('id', 'desc')
        .executeTakeFirst();
      if (!applied) {
        const known = await store.db
          .selectFrom('terminals')
          .select('serial')
          .where('serial', '=', serial)
          .executeTakeFirst();
        return known
          ? fail('NEGATIVE_PROOF_UNAVAILABLE', { field: 'at' })
          : fail('TERMINAL_UNKNOWN', { field: 'serial' });
      }
      const head = await store.db
        .selectFrom('negative_heads')
        .selectAll()
        .where('list', '=', list)
        .where('version', '=', applied.version)
        .where('overlay_seq', '=', applied.overlay_seq)
        .executeTakeFirst();
      const version = await versionRow(applied.version);
      const [container, manifest, root] = [
        version && (await rooms.artefacts.find(version.container)),
        version && (await rooms.artefacts.find(version.manifest)),
        head && (await signing.rootDocument(rootVersionOf(head.head))),
      ];
      if (!head || !version || !container || !manifest || !root)
        return fail('NEGATIVE_PROOF_UNAVAILABLE', { field: 'version' });
      // The list of then is looked up under the key of then; where that was destroyed since, nobody can.
      if (!rooms.vault.find(version.tag_key)) return fail('NEGATIVE_PROOF_UNAVAILABLE', { field: 'key' });
      const mac = macOf(pan, version.tag_key);
      const opened = openContainer(Uint8Array.from(await readFile(container.path)));
      if (!opened.ok) return fail('NEGATIVE_PROOF_UNAVAILABLE', { cause: opened.fault });
      const place = opened.value.codec === 'KP' ? parts.placeOf(pan, version.tag_key) : undefined;
      if (opened.value.codec === 'KP' && !place) return fail('NEGATIVE_PROOF_UNAVAILABLE', { field: 'pan' });
      const claim = encodeClaim({
        serial,
        at: isoTime(at),
        lastFour: lastFour(pan),
        mac: Buffer.from(mac).toString('base64'),
        ...(place && { place }),
        leadingDigits: pan.use((digits) => Buffer.from(digits.subarray(0, 6)).toString('latin1')),
        terminal: { version: applied.version, overlaySeq: applied.overlay_seq, saidAt: isoTime(applied.at) },
      });
      return ok({
        format: 'tsunagu-negative-proof-v1',
        claim: Buffer.from(encodeSigned(signing.sign('claim', list, claim))).toString('base64'),
        root: Buffer.from(root).toString('base64'),
        head: head.head,
        manifest: (await readFile(manifest.path)).toString('base64'),
        ...proveIn(opened.value, { mac, permuted: place }),
      });
    },
    async observe(tx, serial, applied) {
      const said = applied.find((each) => each.list === list);
      if (!said) return false;
      const before = await tx
        .selectFrom('negative_applied')
        .select(['version', 'overlay_seq'])
        .where('list', '=', list)
        .where('serial', '=', serial)
        .executeTakeFirst();
      const now = { version: said.version, overlay_seq: said.overlaySeq, fresh_at: said.freshAt };
      await tx
        .insertInto('negative_applied')
        .values({ serial, list, ...now })
        .onConflict((conflict) => conflict.columns(['list', 'serial']).doUpdateSet(now))
        .execute();
      const isNew = said.version > 0 && (before?.version !== now.version || before.overlay_seq !== now.overlay_seq);
      if (isNew)
        await tx
          .insertInto('negative_applied_log')
          .values({ serial, list, version: said.version, overlay_seq: said.overlaySeq, at: world.clock.now() })
          .execute();
      return isNew;
    },
  };
}
