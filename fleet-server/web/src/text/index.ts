import { signal } from '@preact/signals';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { isInquiry, type SaleResult } from '@tsunagu/protocols/fleet';
import i18next from 'i18next';
import { en, type TextKey } from './en.ts';
import { ja } from './ja.ts';
import type * as tableTexts from './tables.ts';

export type { TextKey } from './en.ts';
export type Language = 'ja' | 'en';

const memory = 'tsunagu.language';

/** What the reader chose last, else what the browser prefers. */
function firstLanguage(): Language {
  const remembered = localStorage.getItem(memory);
  if (remembered === 'ja' || remembered === 'en') return remembered;
  return navigator.language.startsWith('ja') ? 'ja' : 'en';
}

/** The language of the page; whatever reads it (each text does) is drawn anew when it changes. */
export const language = signal<Language>(firstLanguage());
document.documentElement.lang = language.value;

await i18next.init({
  lng: language.value,
  resources: { en: { translation: en }, ja: { translation: ja } },
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false },
});

export function speak(next: Language): void {
  localStorage.setItem(memory, next);
  document.documentElement.lang = next;
  void i18next.changeLanguage(next).then(() => {
    language.value = next;
  });
}

/** A text in the reader's language. */
export const t = (key: TextKey, facts: Record<string, string | number> = {}): string =>
  i18next.t(key, { lng: language.value, ...facts });

const isTextKey = (key: string): key is TextKey => Object.hasOwn(en, key);
/** A text whose key is made of data; the data itself when there is none. */
export function tAny(group: string, name: string): string {
  const key = `${group}.${name}`;
  return isTextKey(key) ? t(key) : name;
}

/** The long tables come after the first drawing; until then a code stands for itself. */
const tables = signal<typeof tableTexts | undefined>(undefined);
void import('./tables.ts').then((loaded) => {
  tables.value = loaded;
});

const isErrorCode = (code: string, errors: typeof tableTexts.errorTable): code is ErrorCode =>
  Object.hasOwn(errors, code);
/** What a code of the error table says. */
export function errorText(code: string): string {
  const errors = tables.value?.errorTable;
  return errors && isErrorCode(code, errors) ? errors[code][language.value].says : code;
}

/** What can be done about a code of the error table. */
export function errorNext(code: string): string {
  const errors = tables.value?.errorTable;
  return errors && isErrorCode(code, errors) ? errors[code][language.value].next : '';
}

/** Why a sale ended as it did: a code of ours, or the issuer's action code. */
export function reasonText(reason: string | null, actionCode: string | null, tillCode?: string): string {
  if (tillCode !== undefined) return `${tillCode} ${reasonText(reason, actionCode)}`.trim();
  if (reason !== null) return errorText(reason);
  if (actionCode === null || actionCode.startsWith('0')) return '';
  return tables.value?.actionCodes[actionCode]?.[language.value] ?? actionCode;
}

/** What can be done about a payment that did not stand: by our own reason, else by the issuer's code. */
export function nextText({ outcome, reason, actionCode, kind, serviceHours }: SaleResult): string {
  const known = tables.value;
  if (known === undefined || outcome === 'approved') return '';
  if (reason === undefined && serviceHours) return known.nextAtHours(serviceHours)[language.value];
  if (reason === undefined)
    return known.nextAfterActionCode(actionCode ?? '', isInquiry(kind) ? 'inquiry' : 'payment')?.[language.value] ?? '';
  return isErrorCode(reason, known.errorTable) ? known.errorTable[reason][language.value].next : '';
}

/** What a step of a payment adds, in the reader's language. */
export const stepText = (detail: string): string => tables.value?.stepDetail(detail, language.value) ?? detail;
