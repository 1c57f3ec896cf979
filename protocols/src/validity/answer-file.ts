import { createHash } from 'node:crypto';
import { fail, ok, type Result, type Secret } from '../kit/index.ts';
import { boxDigits, type CheckedCard, isSealOf, openCard, sealText } from './card-box.ts';
import { linesOf, readHeader, six, type ValidityHeader, writeHeader } from './header.ts';
import {
  bringsCard,
  validityLineFaults,
  type ValidityLineFault,
  type ValidityVerdict,
  validityVerdictNames,
  validityVerdicts,
} from './verdicts.ts';

/** An answer as it is written: what took the place of the card is in its box already (`sealCard`). */
export interface ValidityAnswerLine {
  readonly sequence: number;
  readonly reference: string;
  readonly verdict: ValidityVerdict;
  /** What the issuer said (DE39); undefined where it said nothing. */
  readonly actionCode: string | undefined;
  /** A box of `boxDigits.card` digits, where the verdict brings a card. */
  readonly box: string | undefined;
}

/** An answer as it is read. */
export interface ValidityAnswer extends Omit<ValidityAnswerLine, 'box'> {
  readonly card: CheckedCard | undefined;
}

/** Records by verdict. */
export type ValidityTotals = Readonly<Record<ValidityVerdict, number>>;

/** Counts verdicts. */
export function totalsOfVerdicts(answers: readonly { readonly verdict: ValidityVerdict }[]): ValidityTotals {
  const totals = Object.fromEntries(validityVerdictNames.map((name) => [name, 0])) as Record<ValidityVerdict, number>;
  for (const { verdict } of answers) totals[verdict] += 1;
  return totals;
}

const faultOf = ({ line, sequence, code }: ValidityLineFault): string =>
  `3${six(line ?? 0)}${six(sequence ?? 0)}${code.padEnd(32)}`;

/** Writes the answers to a file, under its own key. `nonce` as for `sealCard`. */
export function writeValidityAnswers(
  header: ValidityHeader,
  answers: readonly ValidityAnswerLine[],
  faults: readonly ValidityLineFault[],
  key: Secret<'key'>,
  nonce: Uint8Array,
): string {
  const lines = [
    writeHeader('answer', header),
    ...answers.map(
      ({ sequence, reference, verdict, actionCode, box }) =>
        `2${six(sequence)}${reference.padEnd(20)}${validityVerdicts[verdict].code}${(actionCode ?? '').padEnd(3)}${(box ?? '').padEnd(boxDigits.card)}`,
    ),
    ...faults.map(faultOf),
  ];
  const totals = totalsOfVerdicts(answers);
  const trailer = `8${[answers.length, faults.length, ...validityVerdictNames.map((name) => totals[name])].map(six).join('')}`;
  return `${[...lines, trailer + sealText(key, nonce, digestOf(lines) + trailer)].join('\n')}\n`;
}

const digestOf = (lines: readonly string[]): string => createHash('sha256').update(lines.join('\n')).digest('hex');

const answerShape = new RegExp(
  `^2(\\d{6})(.{20})(\\d\\d)(\\d{3}| {3})([0-9A-F]{${boxDigits.card}}| {${boxDigits.card}})$`,
);
const faultShape = /^3(\d{6})(\d{6})([A-Z_]+) *$/;
const trailerShape = new RegExp(`^(8\\d{54})([0-9A-F]{${boxDigits.seal}})$`);

/**
 * Reads the answers to a file. It is authentic as a whole or not at all: VALIDITY_FILE_REFUSED names the part (`header`, `key`, `trailer`, `records`).
 * Whoever reads it owns the cards.
 */
export function readValidityAnswers(
  text: string,
  zoneKbpk: Secret<'key'>,
): Result<
  {
    readonly header: ValidityHeader;
    readonly answers: readonly ValidityAnswer[];
    readonly faults: readonly ValidityLineFault[];
  },
  'VALIDITY_FILE_REFUSED'
> {
  const lines = linesOf(text);
  const read = readHeader('answer', lines[0] ?? '', zoneKbpk);
  if (!read.ok) return read;
  const { header, key } = read.value;
  try {
    const [, trailer = '', seal = ''] = trailerShape.exec(lines.at(-1) ?? '') ?? [];
    if (!isSealOf(key, seal, digestOf(lines.slice(0, -1)) + trailer))
      return fail('VALIDITY_FILE_REFUSED', { field: 'trailer', facts: { line: lines.length } });
    const answers: ValidityAnswer[] = [];
    const faults: ValidityLineFault[] = [];
    for (const [index, line] of lines.slice(1, -1).entries()) {
      const parsed = line.startsWith('3') ? readFault(line) : readAnswer(line, header, key);
      if (parsed === undefined) return fail('VALIDITY_FILE_REFUSED', { field: 'records', facts: { line: index + 2 } });
      if ('code' in parsed) faults.push(parsed);
      else answers.push(parsed);
    }
    return ok({ header, answers, faults });
  } finally {
    key.wipe();
  }
}

function readAnswer(line: string, header: ValidityHeader, key: Secret<'key'>): ValidityAnswer | undefined {
  const [, digits = '', padded = '', verdictCode, action = '', box = ''] = answerShape.exec(line) ?? [];
  const verdict = validityVerdictNames.find((name) => validityVerdicts[name].code === verdictCode);
  if (verdict === undefined) return undefined;
  const [sequence, reference] = [Number(digits), padded.trimEnd()];
  const actionCode = action.trim() === '' ? undefined : action;
  if (!bringsCard(verdict)) return { sequence, reference, verdict, actionCode, card: undefined };
  const card = openCard(key, { direction: 'answer', ...header, sequence, reference }, box);
  return card.ok ? { sequence, reference, verdict, actionCode, card: card.value } : undefined;
}

function readFault(text: string): ValidityLineFault | undefined {
  const [, line, sequence, name] = faultShape.exec(text) ?? [];
  const code = validityLineFaults.find((known) => known === name);
  const numbered = (digits: string | undefined): number | undefined => Number(digits) || undefined;
  return code && { code, line: numbered(line), sequence: numbered(sequence) };
}
