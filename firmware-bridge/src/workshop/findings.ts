import type { ResponseApdu } from '@tsunagu/protocols/apdu';
import type { Result } from '@tsunagu/protocols/kit';
import type { StepResult } from '@tsunagu/protocols/workshop';
import type { Bench } from './bench.ts';

/** What a step found. */
export type Finding = Pick<StepResult, 'verdict' | 'code' | 'detail'>;

/** One step of a script: what it is called, what it is held to, and what it needs beyond reader and card. */
export interface ScriptStep {
  readonly id: string;
  readonly en: string;
  readonly ja: string;
  readonly clause: string;
  /** `reader`: none. `any`: whatever has an answer to reset, by PC/SC if not by itself. The others are for one kind of card alone. */
  readonly card: 'reader' | 'any' | 'chip' | 'felica';
  /** `usb`: the device itself. `faults`: an emulator that breaks answers; `hand`: somebody who moves the card. */
  readonly needs?: 'faults' | 'hand' | 'usb';
  readonly run: (bench: Bench) => Promise<Finding>;
}

/** @param en what was found @param ja the same; left out where `en` is a value and no words */
export const passed = (en?: string, ja?: string): Finding => ({
  verdict: 'passed',
  ...(en === undefined ? {} : { detail: ja === undefined ? en : { en, ja } }),
});
/** @param en what was wrong @param ja the same; left out where `en` is a value and no words */
export const failing = (en: string, ja?: string): Finding => ({ ...passed(en, ja), verdict: 'failed' });
/** Something else came than what may come. */
export const insteadOf = (met: string, wanted: readonly string[]): Finding =>
  failing(`${met} instead of ${wanted.join('/')}`, `${wanted.join('/')} のはずが ${met}`);
/** One of many commands in a row was answered otherwise than the others. */
export const anotherAnswer = (index: number): Finding =>
  failing(`command ${index + 1} has another answer`, `${index + 1} 番目のコマンドの応答が異なります`);
export const skipped = (why: keyof typeof skips): Finding => ({ verdict: 'skipped', detail: skips[why] });

/** Why a step is left out. */
const skips = {
  noSuchFault: { en: 'the emulator has no such fault', ja: 'この障害は起こせません' },
  noCcid: { en: 'not a CCID reader', ja: 'CCIDリーダーではありません' },
  noApplication: { en: 'no payment application', ja: '決済アプリケーションがありません' },
  noRecord: { en: 'no record in the file locator', ja: 'AFLにレコードがありません' },
  realCard: { en: 'a real card', ja: '実カードでは行いません' },
  noFelicaAntenna: { en: 'not a FeliCa antenna', ja: 'FeliCaアンテナではありません' },
  felicaLite: { en: 'FeliCa Lite has no such command', ja: 'FeliCa Liteにこのコマンドはありません' },
  noOpenService: { en: 'no service that is read without keys', ja: '鍵なしで読めるサービスがありません' },
  otherProgram: { en: 'another program drives the reader', ja: '別のプログラムがリーダーを動かしています' },
  noCard: { en: 'no card', ja: 'カードがありません' },
  noApdus: { en: 'a FeliCa card has no APDUs', ja: 'FeliCaカードにはAPDUがありません' },
  noFelicaCard: { en: 'no FeliCa card', ja: 'FeliCaカードではありません' },
  faults: { en: 'needs an emulated reader, which can break answers', ja: '応答に障害を起こせる擬似リーダーが必要です' },
  hand: { en: 'needs somebody who moves the card (--hands)', ja: 'カードを抜き差しする人が必要です(--hands)' },
} as const;

/** A finding out of a result: its fault's code, or what `check` says of the value. */
export function judged<T>(result: Result<T>, check: (value: T) => Finding): Finding {
  if (result.ok) return check(result.value);
  const facts = Object.entries(result.fault.facts ?? {}).map(([name, value]) => `${name}=${value}`);
  return { verdict: 'failed', code: result.fault.code, ...(facts.length === 0 ? {} : { detail: facts.join(' ') }) };
}

/** A status word in hexadecimal. */
export const swOf = ({ sw }: ResponseApdu): string => sw.toString(16).toUpperCase().padStart(4, '0');
