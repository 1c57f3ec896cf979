import {
  isSettingName,
  type LayerRef,
  layerRef,
  serialSchema,
  settingOf,
  type SettingValue,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** A layer as it is typed: `defaults`, `model:CT-5100`, `merchant:NAME`, `shop:MERCHANT/SHOP`, `campaign:ID`, `terminal:SERIAL`. */
export function layerOf(typed: string): Result<LayerRef, 'OPTION_INVALID'> {
  const [, layer = '', name = ''] = /^([a-z]+)(?::(.*))?$/s.exec(typed) ?? [];
  const slash = name.indexOf('/');
  const parsed = layerRef.safeParse({
    layer,
    model: name,
    campaign: name,
    serial: name,
    ...(layer === 'shop'
      ? { merchant: name.slice(0, Math.max(0, slash)), shop: name.slice(slash + 1) }
      : { merchant: name }),
  });
  return parsed.success
    ? ok(parsed.data)
    : fail('OPTION_INVALID', {
        field: 'layer',
        facts: { example: isSerial(typed) ? `terminal:${typed}` : 'defaults, model:CT-5100, terminal:CT5100-0001' },
      });
}

/** A layer as it is typed and shown. */
export function typedLayer(ref: LayerRef): string {
  const { layer, ...names } = ref;
  const name = Object.values(names).join('/');
  return name === '' ? layer : `${layer}:${name}`;
}

/** Whether a target is a terminal's serial, and no layer. */
export const isSerial = (target: string): boolean => serialSchema.safeParse(target).success;

/** `name=value`, the value as its setting takes it. */
export function settingOfText(
  typed: string,
): Result<readonly [string, SettingValue], 'OPTION_INVALID' | 'SETTING_UNKNOWN'> {
  const at = typed.indexOf('=');
  const name = typed.slice(0, Math.max(0, at));
  const text = typed.slice(at + 1);
  if (at < 1) return fail('OPTION_INVALID', { field: typed.slice(0, 40) });
  if (!isSettingName(name)) return fail('SETTING_UNKNOWN', { field: name });
  const { type } = settingOf(name).kind;
  if (type === 'integer' && /^-?\d{1,12}$/.test(text)) return ok([name, Number(text)]);
  if (type === 'flag' && (text === 'true' || text === 'false')) return ok([name, text === 'true']);
  if (type === 'choice' || type === 'text') return ok([name, text]);
  return fail('OPTION_INVALID', { field: name });
}
