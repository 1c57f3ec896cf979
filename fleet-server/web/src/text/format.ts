import { language } from './index.ts';

const locale = (): string => (language.value === 'ja' ? 'ja-JP' : 'en-GB');
const names: Readonly<Record<string, string>> = { '392': 'JPY', '840': 'USD', '978': 'EUR' };

export function money(amountMinor: number, currency = 'JPY'): string {
  const code = names[currency] ?? currency;
  try {
    const format = new Intl.NumberFormat(locale(), {
      style: 'currency',
      currency: code,
      currencyDisplay: 'narrowSymbol',
    });
    return format.format(amountMinor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0));
  } catch {
    return `${amountMinor} ${currency}`;
  }
}

/** An amount in the cardholder's own currency, by its code: there are many dollars. */
export function ownMoney({
  amountMinor,
  currency,
}: {
  readonly amountMinor: number;
  readonly currency: string;
}): string {
  const format = new Intl.NumberFormat(locale(), { style: 'currency', currency, currencyDisplay: 'code' });
  return format.format(amountMinor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0));
}

export const count = (value: number): string => new Intl.NumberFormat(locale()).format(value);
export const percent = (ratio: number): string =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 0 }).format(ratio);
export const clock = (at: string | number): string =>
  new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(at));
export const moment = (at: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));

/** "12 seconds ago" against `now`, in the coarsest unit that is not zero. */
export function ago(at: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1_000));
  const format = new Intl.RelativeTimeFormat(locale(), { style: 'short' });
  if (seconds < 60) return format.format(-seconds, 'second');
  if (seconds < 3_600) return format.format(-Math.round(seconds / 60), 'minute');
  if (seconds < 86_400) return format.format(-Math.round(seconds / 3_600), 'hour');
  return format.format(-Math.round(seconds / 86_400), 'day');
}
