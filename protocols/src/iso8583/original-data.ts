import { fail, ok, type Result } from '../kit/index.ts';
import type { Message } from './message.ts';

/** Original data elements, DE56: what a reversal or a later posting refers to. ISO 8583:1993, 4.3.56. */
export interface OriginalData {
  /** MTI of the original, four digits. */
  readonly mti: string;
  /** DE11 of the original. */
  readonly stan: string;
  /** DE12 of the original, YYMMDDhhmmss. */
  readonly localTime: string;
  /** DE32 of the original, up to eleven digits. */
  readonly acquirer: string;
}

/** Reads DE56: n4, n6, n12, then a length of two digits and an acquirer of n..11 that fills the rest. */
export function parseOriginalData(text: string): Result<OriginalData, 'BAD_ORIGINAL_DATA'> {
  const parts = /^(1[1-8][0-4][0-5])(\d{6})(\d{12})(\d{2})(\d{0,11})$/.exec(text);
  const [, mti, stan, localTime, length, acquirer] = parts ?? [];
  if (mti === undefined || stan === undefined || localTime === undefined || acquirer === undefined)
    return fail('BAD_ORIGINAL_DATA', { field: 56 });
  return Number(length) === acquirer.length
    ? ok({ mti, stan, localTime, acquirer })
    : fail('BAD_ORIGINAL_DATA', { field: 56, offset: 22 });
}

/** Writes DE56. BAD_ORIGINAL_DATA when a part does not have its form. */
export function formatOriginalData(data: OriginalData): Result<string, 'BAD_ORIGINAL_DATA'> {
  const length = String(data.acquirer.length).padStart(2, '0');
  const text = `${data.mti}${data.stan}${data.localTime}${length}${data.acquirer}`;
  const read = parseOriginalData(text);
  const isSame =
    read.ok &&
    read.value.mti === data.mti &&
    read.value.stan === data.stan &&
    read.value.localTime === data.localTime &&
    read.value.acquirer === data.acquirer;
  return isSame ? ok(text) : fail('BAD_ORIGINAL_DATA', { field: 56 });
}

/** DE56 for a message that refers to `original`: its MTI, DE11, DE12 and DE32. */
export function originalDataOf(original: Message): Result<string, 'BAD_ORIGINAL_DATA'> {
  const { 11: stan, 12: localTime, 32: acquirer = '' } = original.fields;
  if (typeof stan !== 'string' || typeof localTime !== 'string' || typeof acquirer !== 'string')
    return fail('BAD_ORIGINAL_DATA', { field: 56 });
  return formatOriginalData({ mti: original.mti, stan, localTime, acquirer });
}
