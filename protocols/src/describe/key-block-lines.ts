import {
  algorithms,
  exportabilities,
  type KeyBlockHeader,
  keyUsages,
  modesOfUse,
  optionalBlockIds,
  type ReadHeader,
  versions,
} from '../tr31/index.ts';
import { type Both, type Line, line, type Place, same } from './line.ts';
import { guardedText, hidden } from './mask.ts';

const usagesJa: Readonly<Record<string, string>> = {
  B0: 'ベース導出鍵(BDK)',
  B1: 'DUKPT初期鍵(IK)',
  C0: 'カード検証鍵',
  D0: 'データ暗号鍵（対称）',
  E0: 'EMV発行者マスター鍵（暗号文）',
  E1: 'EMV発行者マスター鍵（機密性）',
  E2: 'EMV発行者マスター鍵（完全性）',
  K0: '鍵暗号・ラップ鍵',
  K1: '鍵ブロック保護鍵(KBPK)',
  M1: 'MAC（ISO 9797-1 アルゴリズム1）',
  M3: 'MAC（ISO 9797-1 アルゴリズム3）',
  M6: 'MAC（CMAC）',
  M7: 'HMAC',
  P0: 'PIN暗号鍵',
  V0: 'PIN検証鍵',
  V1: 'PIN検証鍵（IBM 3624）',
  V2: 'PIN検証鍵（Visa PVV）',
};
const modesJa: Readonly<Record<string, string>> = {
  B: '暗号化と復号、ラップとアンラップ',
  C: 'MACの生成と検証',
  D: '復号・アンラップのみ',
  E: '暗号化・ラップのみ',
  G: 'MAC生成のみ',
  N: '制限なし',
  S: '署名のみ',
  T: '署名と復号',
  V: '検証のみ',
  X: '鍵導出のみ',
  Y: '鍵バリアント作成のみ',
};
const exportabilitiesJa: Readonly<Record<string, string>> = {
  N: 'エクスポート不可',
  E: '信頼された鍵ブロックでのみエクスポート可',
  S: '他の鍵暗号方式でもエクスポート可',
};
const versionsJa: Readonly<Record<string, string>> = {
  A: '鍵バリアント方式、TDES（2005年版）',
  B: '鍵導出方式、TDES',
  C: '鍵バリアント方式、TDES',
  D: '鍵導出方式、AES',
};

type Titles = Readonly<Record<string, { readonly title: string }>>;

/** What a code stands for; the standard's own English where there is no Japanese for it. */
function titled(code: string, titles: Titles, ja: Readonly<Record<string, string>> = {}): Both | undefined {
  const title = Object.hasOwn(titles, code) ? titles[code]?.title : undefined;
  return title === undefined ? undefined : { en: title, ja: ja[code] ?? title };
}

/** Lines of a key block's text; one character is one byte. */
export function keyBlockLines({ header, optionalBlocks }: ReadHeader, text: string, place: Place): readonly Line[] {
  const piece = (from: number, to: number, name: Both, meaning?: Both): Line =>
    line(place, from, to, { name, meaning, value: { text: text.slice(from, to) } });
  const lines = [
    piece(0, 1, { en: 'Version', ja: 'バージョン' }, titled(header.versionId, versions, versionsJa)),
    piece(1, 5, { en: 'Length in characters', ja: '文字数' }),
    piece(5, 7, { en: 'Key usage', ja: '鍵用途' }, titled(header.keyUsage, keyUsages, usagesJa)),
    piece(7, 8, { en: 'Algorithm', ja: 'アルゴリズム' }, titled(header.algorithm, algorithms)),
    piece(8, 9, { en: 'Mode of use', ja: '使用モード' }, titled(header.modeOfUse, modesOfUse, modesJa)),
    piece(9, 11, { en: 'Key version', ja: '鍵バージョン' }),
    piece(
      11,
      12,
      { en: 'Exportability', ja: 'エクスポート可否' },
      titled(header.exportability, exportabilities, exportabilitiesJa),
    ),
    piece(12, 14, { en: 'Optional blocks', ja: 'オプションブロック数' }),
    piece(14, 16, { en: 'Reserved', ja: '予備' }),
  ];
  let at = 16;
  for (const { id, data } of optionalBlocks) {
    // The long form has two digits of a count, and as many digits of length as it says, in front of the data.
    const isLong = text.slice(at + 2, at + 4) === '00';
    const dataAt = at + (isLong ? 6 + Number.parseInt(text.slice(at + 4, at + 6), 16) : 4);
    const to = dataAt + data.length;
    const meaning = titled(id, optionalBlockIds);
    lines.push(
      line(place, at, to, {
        name: { en: `Optional block ${id}`, ja: `オプションブロック${id}` },
        meaning,
        value: guardedText(data, place.reveal),
      }),
    );
    at = to;
  }
  return [...lines, ...protectedLines(header, text, at, place)];
}

function protectedLines(header: KeyBlockHeader, text: string, at: number, place: Place): readonly Line[] {
  const macAt = Math.max(at, text.length - 2 * versions[header.versionId].macBytes);
  const piece = (from: number, to: number, name: Both): Line =>
    line(place, from, to, {
      name,
      value: place.reveal ? { text: text.slice(from, to) } : hidden(to - from, 'characters'),
    });
  return [piece(at, macAt, { en: 'Enciphered key', ja: '暗号化された鍵' }), piece(macAt, text.length, same('MAC'))];
}
