import { toHex } from '../kit/index.ts';
import { type Atr, readStorageCardAtr, storageNames, storageStandards } from './atr.ts';

/** One line about an ATR, in both languages. */
export interface AtrLine {
  readonly en: string;
  readonly ja: string;
}

/** FI and DI as clock rate conversion factor and rate factor; undefined where reserved. ISO/IEC 7816-3:2006, tables 7 and 8. */
const factors = [372, 372, 558, 744, 1116, 1488, 1860, undefined, undefined, 512, 768, 1024, 1536, 2048] as const;
const rates = [undefined, 1, 2, 4, 8, 16, 32, 64, 12, 20] as const;

/** Says what an ATR says: convention, protocols, speed, waiting times, historical bytes. */
export function explainAtr(atr: Atr): readonly AtrLine[] {
  const lines: AtrLine[] = [
    atr.convention === 'direct'
      ? { en: 'Direct convention', ja: '正論理(direct convention)' }
      : { en: 'Inverse convention', ja: '負論理(inverse convention)' },
  ];
  const protocols = atr.protocols.map((protocol) => `T=${protocol}`).join(', ');
  lines.push({ en: `Protocols: ${protocols}`, ja: `プロトコル: ${protocols}` });
  const fi = factors[atr.fiDi >> 4];
  const di = rates[atr.fiDi & 0x0f];
  if (fi !== undefined && di !== undefined)
    lines.push({
      en: `Speed: F=${fi}, D=${di} (${Math.round((4_000_000 * di) / fi)} bit/s at 4 MHz)`,
      ja: `速度: F=${fi}、D=${di} (4MHzで${Math.round((4_000_000 * di) / fi)}bit/s)`,
    });
  if (atr.guardTime !== 0)
    lines.push({ en: `Extra guard time: ${atr.guardTime}`, ja: `追加ガードタイム: ${atr.guardTime}` });
  if (atr.protocols.includes(0))
    lines.push({ en: `T=0 waiting integer: ${atr.waitingInteger}`, ja: `T=0 待ち時間係数: ${atr.waitingInteger}` });
  if (atr.protocols.includes(1))
    lines.push({ en: `T=1 information field: ${atr.ifsc} bytes`, ja: `T=1 情報フィールド: ${atr.ifsc}バイト` });
  if (atr.specificProtocol !== undefined)
    lines.push({ en: `Insists on T=${atr.specificProtocol}`, ja: `T=${atr.specificProtocol}に固定` });
  const storage = readStorageCardAtr(atr);
  if (storage !== undefined) {
    const name = storageNames[storage.name] ?? storage.name.toString(16);
    const standard = storageStandards[storage.standard] ?? storage.standard.toString(16);
    lines.push({ en: `Memory card: ${name} (${standard})`, ja: `メモリカード: ${name} (${standard})` });
  } else if (atr.historicalBytes.length > 0) {
    const text = Buffer.from(atr.historicalBytes).toString('latin1');
    const shown = /^[ -~]+$/.test(text) ? `"${text}"` : toHex(atr.historicalBytes);
    lines.push({ en: `Historical bytes: ${shown}`, ja: `ヒストリカルバイト: ${shown}` });
  }
  return lines;
}
