import { frameLayouts, type RefusalFrame, type SealedFrame } from '../acquiring/index.ts';
import { parseKsn } from '../dukpt/index.ts';
import { errorTable } from '../errors/index.ts';
import { counted, toHex, unwrap } from '../kit/index.ts';
import { type Both, type Line, line, type Place, same } from './line.ts';

const kinds: Readonly<Record<SealedFrame['kind'] | 'refusal', Both>> = {
  request: { en: 'request of a terminal', ja: '端末からの要求' },
  answer: { en: 'answer of the switch', ja: 'スイッチの応答' },
  refusal: { en: 'refusal of the switch', ja: 'スイッチの拒否' },
};

/** Lines of the secure frame between terminal and switch, from its version byte on. */
export function secureFrameLines(frame: SealedFrame | RefusalFrame, body: Uint8Array, place: Place): readonly Line[] {
  const { headerBytes, macBytes } = frameLayouts[frame.scheme];
  const text = (from: number, to?: number): { readonly text: string } => ({ text: toHex(body.subarray(from, to)) });
  const lines = [
    line(place, 0, 1, { name: { en: 'Version', ja: 'バージョン' }, value: text(0, 1) }),
    line(place, 1, 2, { name: { en: 'Kind', ja: '種別' }, meaning: kinds[frame.kind], value: text(1, 2) }),
    line(place, 2, headerBytes, { name: same('KSN'), meaning: ksnMeaning(frame.ksn), value: text(2, headerBytes) }),
  ];
  if (frame.kind === 'refusal') {
    const entry = frame.code === undefined ? undefined : errorTable[frame.code];
    const meaning = entry && { en: `${frame.code}: ${entry.en.says}`, ja: `${frame.code}: ${entry.ja.says}` };
    return [
      ...lines,
      line(place, headerBytes, body.length, {
        name: { en: 'Reason', ja: '理由' },
        meaning,
        value: { text: String(frame.number) },
      }),
    ];
  }
  const macAt = body.length - macBytes;
  return [
    ...lines,
    line(place, headerBytes, macAt, {
      name: { en: 'Enciphered ISO 8583 message', ja: '暗号化されたISO 8583電文' },
      meaning: {
        en: `${counted(macAt - headerBytes, 'byte')}, ${algorithms[frame.scheme].cipher}`,
        ja: `${macAt - headerBytes}バイト、${algorithms[frame.scheme].cipher}`,
      },
    }),
    line(place, macAt, body.length, {
      name: { en: `MAC (${algorithms[frame.scheme].mac})`, ja: `MAC（${algorithms[frame.scheme].mac}）` },
      value: text(macAt),
    }),
  ];
}

const algorithms = {
  aes: { cipher: 'AES-128-CBC', mac: 'AES-CMAC' },
  tdes: { cipher: 'TDES-CBC', mac: 'X9.19' },
} as const;

function ksnMeaning(ksn: Uint8Array): Both {
  const { counter, initialKeyId } = unwrap(parseKsn(ksn));
  const id = toHex(initialKeyId);
  return { en: `initial key ${id}, counter ${counter}`, ja: `初期鍵 ${id}、カウンター ${counter}` };
}
