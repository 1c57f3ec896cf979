/** One entry of the error table: what happened, and what the person can do next, in both languages. */
export interface ErrorEntry {
  readonly en: { readonly says: string; readonly next: string };
  readonly ja: { readonly says: string; readonly next: string };
}

/** Checks the shape of a part of the table and keeps its codes as literal types. */
export const defineErrors = <const T extends Record<Uppercase<string>, ErrorEntry>>(entries: T): T => entries;
