/** Hours of the day, hh:mm; those that end before they begin go over midnight. */
export interface Hours {
  readonly from: string;
  readonly until: string;
}

/** What DE44 of an answer says beside its action code. */
export interface Remark {
  /** The element that a no is about. */
  readonly element?: number | undefined;
  /** Hours of service of whoever refuses outside of them (907), local time of Japan. */
  readonly hours?: Hours | undefined;
  /** The code that a till shows for the action code, as the acquirer's list has it (`codes.till` of a link profile). */
  readonly tillCode?: string | undefined;
}

/** A remark as DE44 says it, our own layout: `DE48; HOURS 08:00-21:00; TILL G12`, each where there is one. Empty for nothing. */
export const formatRemark = ({ element, hours, tillCode }: Remark): string =>
  [
    element !== undefined && `DE${element}`,
    hours && `HOURS ${hours.from}-${hours.until}`,
    tillCode !== undefined && `TILL ${tillCode}`,
  ]
    .filter((part): part is string => typeof part === 'string')
    .join('; ');

/** What a DE44 says; parts that nobody here knows are left out. */
export function parseRemark(text: string): Remark {
  const part = (form: RegExp) => text.split('; ').flatMap((said) => form.exec(said) ?? [])[1];
  const hours = part(/^HOURS ((?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-4]):[0-5]\d)$/);
  const [from, until] = hours?.split('-') ?? [];
  return {
    element: Number(part(/^DE(\d{1,3})$/)) || undefined,
    hours: from === undefined || until === undefined ? undefined : { from, until },
    tillCode: part(/^TILL ([A-Z0-9]{1,8})$/),
  };
}

/**
 * Kinds of account of an amount in DE54. ISO 8583:1993, A.7 has 30 for credit; 60 (stored value) and 90 (points, which are not money though DE54 wants a
 * currency) are our choice out of what it leaves open.
 */
export const balanceAccounts = { credit: '30', storedValue: '60', points: '90' } as const;
