import { type ChangeLayer, configurationHash, type Serial } from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { sql, type Transaction } from 'kysely';
import { among, amongText, type Database } from '../store/index.ts';
import type { Writing } from './documents.ts';
import { completePaths, layerIds, movePaths } from './paths.ts';
import { changeValues } from './rules.ts';
import { scopeOf } from './scope.ts';

/**
 * Layers that campaigns lay over terminals one by one. A campaign's layer is one document; which of them a terminal stands below is one
 * number, however many there are: the stack of layers that occurs with it. Of two layers the one of the newer campaign is the stronger.
 */
export interface CampaignLayers {
  /** Writes a campaign's layer, above nobody yet. */
  write(
    tx: Transaction<Database>,
    campaign: string,
    change: ChangeLayer,
    by: Writing,
  ): Promise<Result<void, 'SETTING_UNKNOWN' | 'INPUT_INVALID' | 'CONFIGURATION_BEYOND_MODEL'>>;
  /** Puts terminals below a campaign's layer. What comes out for them is computed in the same transaction. */
  join(tx: Transaction<Database>, campaign: string, serials: readonly Serial[]): Promise<void>;
  /** Takes terminals out from below it; one that is not there stays as it is. */
  leave(tx: Transaction<Database>, campaign: string, serials: readonly Serial[]): Promise<void>;
}

/** Opens the layers of campaigns. */
export function openCampaignLayers({ clock }: Pick<World, 'clock'>): CampaignLayers {
  /** Changes the layers that terminals stand below. */
  async function move(
    tx: Transaction<Database>,
    campaign: string,
    serials: readonly Serial[],
    changed: (layers: readonly number[], layer: number) => readonly number[],
  ): Promise<void> {
    const { kind, parent, scope } = scopeOf({ layer: 'campaign', campaign });
    const layer = await tx
      .selectFrom('configuration_layers')
      .select('id')
      .where('kind', '=', kind)
      .where('parent', '=', parent)
      .where('scope', '=', scope)
      .executeTakeFirst();
    if (!layer || serials.length === 0) return;
    const rows = await tx
      .selectFrom('terminals')
      .leftJoin('configuration_members as member', 'member.serial', 'terminals.serial')
      .leftJoin('configuration_stacks as stack', 'stack.id', 'member.stack')
      .select((all) => ['terminals.serial', all.fn.coalesce('stack.layers', sql<string>`'[]'`).as('layers')])
      .where(among('terminals.serial', serials))
      .execute();
    const moved: string[] = [];
    const groups = new Map<string, string[]>();
    for (const { serial, layers } of rows) {
      const group = groups.get(layers);
      if (group) group.push(serial);
      else groups.set(layers, [serial]);
    }
    for (const [layers, group] of groups) {
      const next = JSON.stringify(changed(layerIds(layers), layer.id));
      if (next === layers) continue;
      const some = JSON.stringify(group);
      moved.push(...group);
      if (next === '[]') {
        await tx.deleteFrom('configuration_members').where(amongText('serial', some)).execute();
        continue;
      }
      await tx
        .insertInto('configuration_stacks')
        .values({ layers: next })
        .onConflict((conflict) => conflict.column('layers').doNothing())
        .execute();
      await sql`insert into configuration_members (serial, stack)
        select some.value, stack.id from json_each(${some}) as some join configuration_stacks as stack on stack.layers = ${next}
        where true on conflict (serial) do update set stack = excluded.stack`.execute(tx);
    }
    if (moved.length === 0) return;
    // A contradiction is told by the terminal, which refuses it: others are not held up by one.
    await completePaths(tx, { serials: moved }, clock.now());
    await movePaths(tx, { serials: moved });
  }

  return {
    async write(tx, campaign, change, { subject, reason }) {
      const values = changeValues({}, change, undefined);
      if (!values.ok) return values;
      const first = { version: 1, hash: configurationHash(values.value), value: JSON.stringify(values.value) };
      const { id } = await tx
        .insertInto('configuration_layers')
        .values({ ...scopeOf({ layer: 'campaign', campaign }), ...first, revision: 0 })
        .returning('id')
        .executeTakeFirstOrThrow();
      const { revision } = await tx
        .insertInto('configuration_versions')
        .values({ ...first, layer: id, at: clock.now(), writer: subject, reason })
        .returning('revision')
        .executeTakeFirstOrThrow();
      await tx.updateTable('configuration_layers').set({ revision }).where('id', '=', id).execute();
      return { ok: true, value: undefined };
    },
    join: (tx, campaign, serials) =>
      move(tx, campaign, serials, (layers, layer) =>
        layers.includes(layer) ? layers : [...layers, layer].toSorted((one, other) => one - other),
      ),
    leave: (tx, campaign, serials) =>
      move(tx, campaign, serials, (layers, layer) => layers.filter((one) => one !== layer)),
  };
}
