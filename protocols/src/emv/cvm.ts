import { fail, ok, type Result } from '../kit/index.ts';

/** Cardholder verification methods: low six bits of a rule's first byte. EMV 4.3 Book 3, C3. */
export const cvmMethods = {
  0x00: { name: 'fail', en: 'Fail cardholder verification', ja: '本人確認失敗' },
  0x01: { name: 'plainPinOffline', en: 'Plaintext PIN verified by the card', ja: '平文PIN照合（カード）' },
  0x02: { name: 'encipheredPinOnline', en: 'Enciphered PIN verified online', ja: '暗号化PIN（オンライン）' },
  0x03: {
    name: 'plainPinOfflineAndSignature',
    en: 'Plaintext PIN verified by the card, and signature',
    ja: '平文PIN照合（カード）と署名',
  },
  0x04: { name: 'encipheredPinOffline', en: 'Enciphered PIN verified by the card', ja: '暗号化PIN照合（カード）' },
  0x05: {
    name: 'encipheredPinOfflineAndSignature',
    en: 'Enciphered PIN verified by the card, and signature',
    ja: '暗号化PIN照合（カード）と署名',
  },
  0x1e: { name: 'signature', en: 'Signature', ja: '署名' },
  0x1f: { name: 'none', en: 'No CVM required', ja: '本人確認不要' },
  0x3f: { name: 'notPerformed', en: 'No CVM performed', ja: '本人確認未実施' },
} as const;

/** A method's name; `unknown` for codes that EMV reserves or leaves to others. */
export type CvmMethod = (typeof cvmMethods)[keyof typeof cvmMethods]['name'] | 'unknown';

/** When a rule applies: its second byte. EMV 4.3 Book 3, C3. */
export const cvmConditions = {
  0x00: { name: 'always', en: 'Always', ja: '常時' },
  0x01: { name: 'unattendedCash', en: 'If unattended cash', ja: '無人機の現金取引' },
  0x02: { name: 'notCash', en: 'If neither cash nor cashback', ja: '現金・キャッシュバック以外' },
  0x03: { name: 'ifSupported', en: 'If the terminal supports the CVM', ja: '端末が対応する場合' },
  0x04: { name: 'manualCash', en: 'If manual cash', ja: '有人の現金取引' },
  0x05: { name: 'cashback', en: 'If purchase with cashback', ja: 'キャッシュバック付き購入' },
  0x06: { name: 'underX', en: 'If in the application currency and under X', ja: 'アプリケーション通貨でX未満' },
  0x07: { name: 'overX', en: 'If in the application currency and over X', ja: 'アプリケーション通貨でX超' },
  0x08: { name: 'underY', en: 'If in the application currency and under Y', ja: 'アプリケーション通貨でY未満' },
  0x09: { name: 'overY', en: 'If in the application currency and over Y', ja: 'アプリケーション通貨でY超' },
} as const;

/** A condition's name. */
export type CvmCondition = (typeof cvmConditions)[keyof typeof cvmConditions]['name'] | 'unknown';

interface Named<N extends string> {
  readonly name: N;
  readonly en: string;
  readonly ja: string;
}

const methods = new Map<number, Named<CvmMethod>>(
  Object.entries(cvmMethods).map(([code, method]) => [Number(code), method]),
);
const conditions = new Map<number, Named<CvmCondition>>(
  Object.entries(cvmConditions).map(([code, condition]) => [Number(code), condition]),
);
const unknown = { name: 'unknown', en: 'Unknown', ja: '不明' } as const;

/** The method in a rule's first byte, whatever its other bits. */
export const cvmMethodOf = (code: number): Named<CvmMethod> => methods.get(code & 0x3f) ?? unknown;

/** The condition in a rule's second byte. */
export const cvmConditionOf = (code: number): Named<CvmCondition> => conditions.get(code) ?? unknown;

/** One rule of the list. */
export interface CvmRule {
  readonly method: CvmMethod;
  readonly condition: CvmCondition;
  /** Whether the next rule is tried when this one fails. */
  readonly continues: boolean;
  /** Both bytes as they stand. */
  readonly code: number;
}

/** The cardholder verification method list (8E). */
export interface CvmList {
  /** Amounts X and Y in the application currency's smallest unit. */
  readonly amountX: number;
  readonly amountY: number;
  readonly rules: readonly CvmRule[];
}

/** Reads a CVM list (8E): two amounts of four bytes, then rules of two. EMV 4.3 Book 3, 10.5. */
export function parseCvmList(bytes: Uint8Array): Result<CvmList, 'EMV_VALUE_INVALID'> {
  if (bytes.length < 10 || bytes.length % 2 !== 0 || bytes.length > 252)
    return fail('EMV_VALUE_INVALID', { field: '8E', facts: { length: bytes.length } });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rules: CvmRule[] = [];
  for (let at = 8; at < bytes.length; at += 2) {
    const code = view.getUint16(at);
    const first = code >> 8;
    const method = cvmMethodOf(first).name;
    rules.push({ method, condition: cvmConditionOf(code & 0xff).name, continues: (first & 0x40) !== 0, code });
  }
  return ok({ amountX: view.getUint32(0), amountY: view.getUint32(4), rules });
}
