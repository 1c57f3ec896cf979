import { en, type Texts } from './en.ts';
import { ja } from './ja.ts';

/** The languages every screen speaks. */
export type Language = 'ja' | 'en';

const all: Readonly<Record<Language, Texts>> = { ja, en };

/** The texts of a language. */
export const textsOf = (language: Language): Texts => all[language];

export type { Texts } from './en.ts';
