import { styleText } from 'node:util';
import { type ErrorEntry, errorTable, isErrorCode } from '@tsunagu/protocols/errors';
import { workWants } from '@tsunagu/protocols/refurbish';
import { evidenceItems, exampleOf, isSettingName, permission, rolePermissions, roles } from '@tsunagu/protocols/fleet';
import type { Fault } from '@tsunagu/protocols/kit';
import { itemIn } from './evidence-options.ts';
import { typedOf } from './typed.ts';
import { type Language, type Texts, textsOf } from '../language/index.ts';

/** A role a piece of text plays; colour never carries a meaning alone. */
export type Tone = 'ok' | 'warn' | 'error' | 'accent' | 'muted' | 'bold';

const styles = { ok: 'green', warn: 'yellow', error: 'red', accent: 'cyan', muted: 'gray', bold: 'bold' } as const;

/** Where a command talks: data goes to `out`, everything said about it to `err`. */
export interface Console {
  readonly language: Language;
  readonly texts: Texts;
  /** Whether `out` is a terminal that somebody looks at. */
  readonly isLive: boolean;
  out(line: string): void;
  err(line: string): void;
  paint(tone: Tone, text: string): string;
}

/** What a console is made of; `main.ts` takes it from the process. */
export interface ConsoleParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean | undefined };
  readonly stderr: { write(text: string): unknown };
  readonly lang?: string | undefined;
}

/** The language somebody asked for: `--lang`, else the locale's (POSIX order), else English. */
export function languageOf(asked: string | undefined, env: ConsoleParts['env']): Language {
  const wanted = asked ?? env['TSUNAGU_LANG'] ?? (env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || 'en');
  return wanted.toLowerCase().startsWith('ja') ? 'ja' : 'en';
}

/** Colour only on a terminal, and never against NO_COLOR (no-color.org) or a dumb terminal. */
const isColourful = ({ env, stdout }: ConsoleParts): boolean =>
  env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0' && !env['NO_COLOR']
    ? true
    : Boolean(stdout.isTTY) && !env['NO_COLOR'] && env['TERM'] !== 'dumb' && env['FORCE_COLOR'] !== '0';

export function openConsole(parts: ConsoleParts): Console {
  const language = languageOf(parts.lang, parts.env);
  const colourful = isColourful(parts);
  return {
    language,
    texts: textsOf(language),
    isLive: Boolean(parts.stdout.isTTY),
    out: (line) => void parts.stdout.write(`${line}\n`),
    err: (line) => void parts.stderr.write(`${line}\n`),
    // Whether there is colour was decided above, for the streams that were handed in.
    paint: (tone, text) => (colourful ? styleText(styles[tone], text, { validateStream: false }) : text),
  };
}

/** What an error code says, in the reader's language; a code of a newer server is shown as it is. */
export function explain(code: string, language: Language): ErrorEntry['en'] {
  return isErrorCode(code) ? errorTable[code][language] : { says: code, next: '' };
}

const isOfUsage = ({ code }: Fault): boolean => code === 'OPTION_INVALID' || code === 'COMMAND_INVALID';
/** What is told in words where a command line is at fault: what is wrong with it, what was meant, how it would be right. */
const usageFacts: ReadonlySet<string> = new Set(['wrong', 'meant', 'example']);

/** The next step where the table's is for programs, or where this one can be said in full. */
function ownNext({ texts, language }: Console, { code, field = '', facts }: Fault): string | undefined {
  if (code === 'INPUT_INVALID') {
    const typed = typedOf(String(field));
    const name = String(field);
    if (!typed && isSettingName(name)) return texts.settingInvalid(name, exampleOf(name));
    return texts.inputInvalid(typed?.typed ?? String(field), typed?.example);
  }
  if (code === 'OPTION_INVALID' && facts?.['example'] !== undefined)
    return texts.optionExample(String(facts['example']));
  if (facts?.['meant'] !== undefined) return texts.optionMeant(String(facts['meant']));
  if (code === 'LIFECYCLE_EVIDENCE_MISSING') {
    const items = [facts?.['item'], ...String(facts?.['also'] ?? '').split(' ')].map((item) =>
      itemIn(`evidence.${item}`),
    );
    const wanted = items
      .filter((item) => item !== undefined)
      .map(({ item, options }) => `${evidenceItems[item].title[language]} (${options})`);
    return wanted.length === 0 ? undefined : texts.life.handIn(wanted);
  }
  if (code === 'WORK_NOT_READY') {
    const wanted = String(facts?.['wants'] ?? '').split(' ');
    const steps = workWants.filter((each) => wanted.includes(each)).map((each) => texts.life.workWanted[each]);
    return steps.length === 0 ? undefined : texts.life.workMissing(steps);
  }
  const needs = permission.safeParse(facts?.['needs']);
  if (code !== 'ROLE_INSUFFICIENT' || !needs.success) return undefined;
  return texts.roleNeeded(
    needs.data,
    roles.filter((role) => rolePermissions[role].includes(needs.data)),
  );
}

/** Prints a fault: its code, what it says and what to do next. In JSON mode it is one object on `out`. */
export function printFault(console: Console, fault: Fault, json: boolean): void {
  const { says: inGeneral, next } = explain(fault.code, console.language);
  const wrong = isOfUsage(fault) ? fault.facts?.['wrong'] : undefined;
  const says = wrong === undefined ? inGeneral : String(wrong);
  if (json) {
    console.out(
      JSON.stringify({
        error: {
          code: fault.code,
          says,
          next: ownNext(console, fault) ?? next,
          ...(fault.field === undefined ? {} : { field: fault.field }),
          ...(fault.facts ? { facts: fault.facts } : {}),
        },
      }),
    );
    return;
  }
  // The status of HTTP and its English title are for machines: `says` has told it in the reader's language.
  const facts = Object.entries(fault.facts ?? {})
    .filter(([name]) => name !== 'status' && name !== 'title' && !(isOfUsage(fault) && usageFacts.has(name)))
    .map(([name, value]) => `${name}=${value}`);
  // A field whose value is told is named with it.
  const field = fault.field === undefined || String(fault.field) in (fault.facts ?? {}) ? '' : String(fault.field);
  const where = [field, ...facts].filter(Boolean).join(', ');
  console.err(`${console.paint('error', fault.code)}: ${says}${where ? ` (${where})` : ''}`);
  const step = ownNext(console, fault) ?? next;
  if (step) console.err(`${console.paint('muted', console.texts.next)} ${step}`);
}
