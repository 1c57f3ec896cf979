import { modelOf, type TerminalModel } from '@tsunagu/protocols/catalogue';
import { type LayerKind, type LayerRef, layerRef } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { sql } from 'kysely';
import { among, type Queryable } from '../store/index.ts';

/** A layer's name in the store. */
export interface Scope {
  readonly kind: LayerKind;
  /** The merchant of a shop; empty for all others. */
  readonly parent: string;
  readonly scope: string;
}

export function scopeOf(ref: LayerRef): Scope {
  switch (ref.layer) {
    case 'defaults':
      return { kind: 'defaults', parent: '', scope: '' };
    case 'model':
      return { kind: 'model', parent: '', scope: ref.model };
    case 'merchant':
      return { kind: 'merchant', parent: '', scope: ref.merchant };
    case 'shop':
      return { kind: 'shop', parent: ref.merchant, scope: ref.shop };
    case 'campaign':
      return { kind: 'campaign', parent: '', scope: ref.campaign };
    case 'terminal':
      return { kind: 'terminal', parent: '', scope: ref.serial };
  }
}

export function refOf({ kind, parent, scope }: Scope): LayerRef {
  switch (kind) {
    case 'defaults':
      return { layer: kind };
    case 'model':
      return { layer: kind, model: scope };
    case 'merchant':
      return { layer: kind, merchant: scope };
    case 'shop':
      return { layer: kind, merchant: parent, shop: scope };
    case 'campaign':
      return { layer: kind, campaign: scope };
    case 'terminal':
      return layerRef.parse({ layer: kind, serial: scope });
  }
}

/** Terminals: all those below a layer, or these. */
export type Reach = Scope | { readonly serials: readonly string[] };

/** Those that stand below a campaign's layer. */
const members = (campaign: string) =>
  sql<boolean>`serial in (select member.serial from configuration_members as member
    join configuration_stacks as stack on stack.id = member.stack
    join json_each(stack.layers) as part
    join configuration_layers as layer on layer.id = part.value
    where layer.kind = 'campaign' and layer.scope = ${campaign})`;

/** True of a terminal's row that a reach takes in; its columns are the same in the inventory and in its views. */
function within(reach: Reach) {
  if ('serials' in reach) return among('serial', reach.serials);
  const { kind, parent, scope } = reach;
  switch (kind) {
    case 'defaults':
      return sql<boolean>`1 = 1`;
    case 'model':
      return sql<boolean>`model = ${scope}`;
    case 'merchant':
      return sql<boolean>`merchant = ${scope}`;
    case 'shop':
      return sql<boolean>`merchant = ${parent} and shop = ${scope}`;
    case 'campaign':
      return members(scope);
    case 'terminal':
      return sql<boolean>`serial = ${scope}`;
  }
}

/** Terminals in the view `terminal_configurations`. */
export const below = (on: Queryable, reach: Reach) => on.selectFrom('terminal_configurations').where(within(reach));

/** The same terminals as the inventory has them: for counting, no layer is looked at. */
export const terminalsBelow = (on: Queryable, reach: Reach) => on.selectFrom('terminals').where(within(reach));

/** The model of all terminals below a layer, where there is but one; a fault when the layer names something that is not there. */
export async function soleModel(
  on: Queryable,
  ref: LayerRef,
): Promise<Result<TerminalModel | undefined, 'MODEL_UNKNOWN' | 'TERMINAL_UNKNOWN'>> {
  if (ref.layer === 'model') {
    const model = modelOf(ref.model);
    return model ? ok(model) : fail('MODEL_UNKNOWN', { field: 'model' });
  }
  if (ref.layer !== 'terminal') return ok(undefined);
  const row = await on.selectFrom('terminals').select('model').where('serial', '=', ref.serial).executeTakeFirst();
  if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial: ref.serial } });
  const model = modelOf(row.model);
  return model ? ok(model) : fail('MODEL_UNKNOWN', { facts: { model: row.model } });
}
