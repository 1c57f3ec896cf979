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

export const passed = (detail?: string): Finding => ({
  verdict: 'passed',
  ...(detail === undefined ? {} : { detail }),
});
export const failing = (detail: string): Finding => ({ verdict: 'failed', detail });
export const skipped = (detail: string): Finding => ({ verdict: 'skipped', detail });

/** A finding out of a result: its fault's code, or what `check` says of the value. */
export function judged<T>(result: Result<T>, check: (value: T) => Finding): Finding {
  if (result.ok) return check(result.value);
  const facts = Object.entries(result.fault.facts ?? {}).map(([name, value]) => `${name}=${value}`);
  return { verdict: 'failed', code: result.fault.code, ...(facts.length === 0 ? {} : { detail: facts.join(' ') }) };
}

/** A status word in hexadecimal. */
export const swOf = ({ sw }: ResponseApdu): string => sw.toString(16).toUpperCase().padStart(4, '0');
