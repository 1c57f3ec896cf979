import {
  aids,
  cvmConditionOf,
  cvmMethodOf,
  meaningsOf,
  parseAfl,
  parseCvmList,
  schemeOfAid,
  schemes,
  type TagEntry,
  tagEntry,
} from '../emv/index.ts';
import { toHex } from '../kit/index.ts';
import { parseDol, type Tlv, tagName } from '../tlv/index.ts';
import { type Both, inside, type Line, line, type Place, type Shown } from './line.ts';
import { guardedBytes, hidden, isPrintable, mayHoldCardNumber, maskedPan } from './mask.ts';
import { hiddenScriptCommand } from './secret-data.ts';

/** Lines of data objects, templates before what they hold. `place` is that of the message that the objects were read from. */
export function tlvLines(objects: readonly Tlv[], place: Place): readonly Line[] {
  return objects.flatMap((object) => {
    const { tag, offset, end, value, isConstructed, children } = object;
    const entry = tagEntry(tag);
    const name = nameOf(tag, entry);
    if (isConstructed)
      return [line(place, offset, end, { name }), ...tlvLines(children, { ...place, depth: place.depth + 1 })];
    return [
      line(place, offset, end, {
        name,
        meaning: meaningOf(tag, entry, value),
        value:
          (place.reveal || tag !== 0x86 ? undefined : hiddenScriptCommand(value)) ?? shown(entry, value, place.reveal),
      }),
    ];
  });
}

/** How many of the objects, templates and all, the dictionary knows. */
export function countKnown(objects: readonly Tlv[]): { readonly known: number; readonly all: number } {
  let [known, all] = [0, 0];
  for (const { tag, children } of objects) {
    const below = countKnown(children);
    known += below.known + (tagEntry(tag) === undefined ? 0 : 1);
    all += below.all + 1;
  }
  return { known, all };
}

function nameOf(tag: number, entry: TagEntry | undefined): Both {
  const text = tagName(tag);
  if (entry === undefined) return { en: `${text} unknown object`, ja: `${text} 不明なオブジェクト` };
  return { en: `${text} ${entry.en}`, ja: `${text} ${entry.ja}` };
}

function shown(entry: TagEntry | undefined, value: Uint8Array, reveal: boolean): Shown {
  if (entry === undefined) return guardedBytes(value, reveal);
  if (entry.sensitive !== undefined && !reveal) {
    const digits = /^(\d{8,19})F*$/.exec(toHex(value))?.[1];
    return entry.sensitive === 'pan' && digits !== undefined ? maskedPan(digits) : hidden(value.length);
  }
  const isText = entry.format === 'a' || entry.format === 'an' || entry.format === 'ans';
  const text = Buffer.from(value).toString('latin1');
  if (isText && isPrintable(value) && (reveal || !mayHoldCardNumber(text))) return { text: `"${text}"` };
  // Bytes gone wrong may put a whole record under a harmless tag.
  return guardedBytes(value, reveal, false);
}

const joined = (parts: readonly Both[]): Both | undefined =>
  parts.length === 0
    ? undefined
    : { en: parts.map(({ en }) => en).join('; '), ja: parts.map(({ ja }) => ja).join('、') };

function meaningOf(tag: number, entry: TagEntry | undefined, value: Uint8Array): Both | undefined {
  if (tag === 0x9f34 && value.length === 3) {
    const [method = 0, condition = 0] = value;
    return joined([cvmMethodOf(method), cvmConditionOf(condition), ...meaningsOf('cvmResult', value)]);
  }
  if (tag === 0x8e) return cvmListMeaning(value);
  if (tag === 0x94) {
    const afl = parseAfl(value);
    if (!afl.ok) return undefined;
    return joined(
      afl.value.map(({ sfi, first, last, authenticated }) => ({
        en: `file ${sfi}, records ${first} to ${last}, ${authenticated} signed`,
        ja: `ファイル${sfi} レコード${first}～${last}（認証対象${authenticated}）`,
      })),
    );
  }
  if (tag === 0x4f || tag === 0x84 || tag === 0x9f06) return aidMeaning(value);
  if (entry?.bits !== undefined) return joined(meaningsOf(entry.bits, value));
  if (entry?.format === 'dol') {
    const dol = parseDol(value);
    if (!dol.ok) return undefined;
    return joined(
      dol.value.map(({ tag: asked, length }) => {
        const known = tagEntry(asked);
        const name = tagName(asked);
        return { en: `${name} ${known?.en ?? '?'} (${length})`, ja: `${name} ${known?.ja ?? '?'} (${length})` };
      }),
    );
  }
  return undefined;
}

function cvmListMeaning(value: Uint8Array): Both | undefined {
  const list = parseCvmList(value);
  if (!list.ok) return undefined;
  return joined(
    list.value.rules.map(({ code, continues }) => {
      const [method, condition] = [cvmMethodOf(code >> 8), cvmConditionOf(code & 0xff)];
      return {
        en: `${method.en} (${condition.en.toLowerCase()}${continues ? ', else next' : ''})`,
        ja: `${method.ja}（${condition.ja}${continues ? '、失敗時は次へ' : ''}）`,
      };
    }),
  );
}

function aidMeaning(value: Uint8Array): Both | undefined {
  const text = toHex(value);
  const known = aids.find(({ aid, partial }) => text === aid || (partial && text.startsWith(aid)));
  if (known !== undefined) return { en: known.en, ja: known.ja };
  const scheme = schemeOfAid(value);
  if (scheme !== undefined) return { en: schemes[scheme].en, ja: schemes[scheme].ja };
  if (!isPrintable(value)) return undefined;
  const name = Buffer.from(value).toString('latin1');
  return { en: name, ja: name };
}

/** Lines of objects inside something else. */
export const tlvInside = (objects: readonly Tlv[], place: Place, offset: number): readonly Line[] =>
  tlvLines(objects, inside(place, offset));
