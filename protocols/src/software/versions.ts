/**
 * Orders versions of images as Semantic Versioning 2.0.0, 11 does, for any number of numeric parts ("2" is "2.0"): negative when `a` is before `b`.
 * Build metadata (behind "+") orders nothing.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  return compareParts(left.release, right.release, '0') || compareTails(left.tail, right.tail);
}

interface Parts {
  readonly release: readonly string[];
  /** What follows the first "-"; nothing is after everything. */
  readonly tail: readonly string[] | undefined;
}

function partsOf(version: string): Parts {
  const [whole = ''] = version.split('+', 1);
  const dash = whole.indexOf('-');
  const release = (dash === -1 ? whole : whole.slice(0, dash)).split('.');
  return { release, tail: dash === -1 ? undefined : whole.slice(dash + 1).split('.') };
}

function compareTails(a: Parts['tail'], b: Parts['tail']): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareParts(a, b, undefined);
}

function compareParts(a: readonly string[], b: readonly string[], missing: string | undefined): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index] ?? missing, b[index] ?? missing];
    if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
    const order = compareOne(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function compareOne(a: string, b: string): number {
  const [isNumber, isOther] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOther) return Math.sign(Number(a) - Number(b));
  // Numbers come before words.
  if (isNumber !== isOther) return isNumber ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}
