import type { ResponseApdu } from '@tsunagu/protocols/apdu';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { decodeTlv, type Tlv } from '@tsunagu/protocols/tlv';
import type { CardObjects } from './card-objects.ts';
import type { KernelCode } from './outcome.ts';

/** The answer's one template of the tag that is due; CARD_ANSWER_WRONG for anything else. */
export function templateOf({ data, sw }: ResponseApdu, tag: number): Result<Tlv, KernelCode> {
  if (sw !== 0x9000) return fail('CARD_REFUSED_COMMAND', { facts: { sw: swText(sw) } });
  const read = decodeTlv(data);
  if (!read.ok) return read;
  const [template] = read.value;
  if (template?.tag !== tag || read.value.length !== 1) return fail('CARD_ANSWER_WRONG', { offset: 0 });
  return ok(template);
}

/** A status word as it is written. */
export const swText = (sw: number): string => sw.toString(16).toUpperCase().padStart(4, '0');

/**
 * Takes an answer in format 1 (80: values one after another, of fixed lengths but the last) or format 2 (77: objects).
 * EMV 4.3 Book 3, 6.5.5.4 and 6.5.8.4.
 *
 * @param layout tags of format 1 with their lengths in bytes; the last takes the rest, up to its length
 * @returns the template, for whoever needs its bytes
 */
export function takeAnswer(
  { data, sw }: ResponseApdu,
  card: CardObjects,
  layout: readonly { readonly tag: number; readonly length: number }[],
): Result<Tlv, KernelCode> {
  if (sw !== 0x9000) return fail('CARD_REFUSED_COMMAND', { facts: { sw: swText(sw) } });
  const read = decodeTlv(data);
  if (!read.ok) return read;
  const [template] = read.value;
  if (template === undefined || read.value.length !== 1) return fail('CARD_ANSWER_WRONG', { offset: 0 });
  if (template.tag === 0x77) {
    const taken = card.take(template.children);
    return taken.ok ? ok(template) : taken;
  }
  if (template.tag !== 0x80) return fail('CARD_ANSWER_WRONG', { offset: 0 });
  const { value } = template;
  let at = 0;
  for (const [index, { tag, length }] of layout.entries()) {
    const isLast = index === layout.length - 1;
    const end = isLast ? value.length : at + length;
    if (end > value.length || (isLast && end - at > length)) return fail('CARD_ANSWER_WRONG', { offset: value.length });
    if (end > at) card.set(tag, value.subarray(at, end));
    at = end;
  }
  return ok(template);
}
