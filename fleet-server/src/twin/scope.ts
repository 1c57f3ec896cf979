import { modelOf, type TerminalModel } from '@tsunagu/protocols/catalogue';
import { type LayerKind, type LayerRef, layerRef } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Queryable } from '../store/index.ts';

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
    case 'terminal':
      return layerRef.parse({ layer: kind, serial: scope });
  }
}

/** The terminals below a layer, in the view `terminal_configurations`. */
export const below = (on: Queryable, { kind, parent, scope }: Scope) => {
  const all = on.selectFrom('terminal_configurations');
  switch (kind) {
    case 'defaults':
      return all;
    case 'model':
      return all.where('model', '=', scope);
    case 'merchant':
      return all.where('merchant', '=', scope);
    case 'shop':
      return all.where('merchant', '=', parent).where('shop', '=', scope);
    case 'terminal':
      return all.where('serial', '=', scope);
  }
};

/** The same terminals as the inventory has them: for counting, no layer is looked at. */
export const terminalsBelow = (on: Queryable, { kind, parent, scope }: Scope) => {
  const all = on.selectFrom('terminals');
  switch (kind) {
    case 'defaults':
      return all;
    case 'model':
      return all.where('model', '=', scope);
    case 'merchant':
      return all.where('merchant', '=', scope);
    case 'shop':
      return all.where('merchant', '=', parent).where('shop', '=', scope);
    case 'terminal':
      return all.where('serial', '=', scope);
  }
};

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
