import { fail, type Fault } from '@tsunagu/protocols/kit';
import type { Language } from '../language/index.ts';

/** What a mistake on the command line is called by the parser of options, and how it is said in Japanese. */
const says: Readonly<Record<string, (named: readonly string[], message: string) => string>> = {
  'commander.unknownCommand': ([name]) => `「${name}」というコマンドはありません。`,
  'commander.unknownOption': ([name]) => `「${name}」というオプションはありません。`,
  'commander.missingArgument': ([name]) => `引数「${name}」がありません。`,
  'commander.optionMissingArgument': ([name]) => `オプション「${name}」の値がありません。`,
  'commander.missingMandatoryOptionValue': ([name]) => `オプション「${name}」は必須です。`,
  'commander.conflictingOption': ([one, other]) => `オプション「${one}」と「${other}」は同時に指定できません。`,
  // A group alone: its help stands above.
  'commander.help': () => '続くコマンドを指定してください。',
  'commander.excessArguments': () => '引数が多すぎます。',
  'commander.invalidArgument': ([name, value], message) => {
    const allowed = /(?:is invalid|for argument '[^']*')\. ?(?:Allowed choices are )?(.*?)\.?$/s.exec(message)?.[1];
    const [what, given] = /value '/.test(message) ? [value, name] : [name, value];
    return `「${what}」の値「${given}」は正しくありません。${allowed ? `指定の形: ${inJapanese(allowed)}` : ''}`;
  },
};

/** The words in the forms that our own options name; everything else of a form is figures and signs. */
const forms: readonly (readonly [RegExp, string])[] = [
  [/^(\d+(?:-\d+)?) digits$/, '数字$1桁'],
  [/^0 to 20, two decimals$/, '0から20まで、小数2桁以内'],
  [/^a-z, 0-9 and "-", at most 32$/, 'a-z、0-9、「-」、32文字以内'],
  [/^A-Z, 0-9, - \(15\)$/, 'A-Z、0-9、「-」、15文字以内'],
  [/^MONTH or MONTH:YEN, 1-12$/, '月 または 月:円（月は1-12）'],
];

const inJapanese = (form: string): string =>
  forms.reduce((text, [pattern, words]) => text.replace(pattern, words), form);

/** What may be a card number: what is said of a command line is read and kept by others than who typed it. */
const cardNumbers = /(\d(?:[ -]?\d){5})(?:[ -]?\d){6,}/g;

/**
 * A command line that cannot be understood, as a fault: COMMAND_INVALID for commands and their arguments, OPTION_INVALID for options.
 * Its facts say in the reader's language what is wrong; what has no Japanese text yet is told in English.
 * @param error the parser's: its name for the mistake and its text, which puts in quotation marks what the person wrote or left out
 */
export function usageFaultOf(
  { code, message }: { readonly code: string; readonly message: string },
  language: Language,
): Fault<'OPTION_INVALID' | 'COMMAND_INVALID'> {
  const [first = '', suggestion] = message.replaceAll(cardNumbers, '$1…').split('\n');
  const named = [...first.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? '');
  const english = code === 'commander.help' ? 'name the command that follows' : first.replace(/^error: /, '');
  const wrong = (language === 'ja' && says[code]?.(named, first)) || english;
  const meant = /Did you mean (?:one of )?(.*)\?/.exec(suggestion ?? '')?.[1];
  const isOption = /option/i.test(code) || first.startsWith('error: option');
  return fail(isOption ? 'OPTION_INVALID' : 'COMMAND_INVALID', { facts: { wrong, ...(meant && { meant }) } }).fault;
}
