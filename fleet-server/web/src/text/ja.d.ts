import type { TextKey } from './en.ts';
/** Texts of the dashboard, Japanese. */
export declare const ja: Readonly<Record<TextKey, string>>;
//# sourceMappingURL=ja.d.ts.map
