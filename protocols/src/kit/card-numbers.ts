/**
 * What a person wrote, such as a reason: whatever looks like a card number is left out (ISO/IEC 7812-1). Our own ids stay: some have
 * digits in a row, one of ten of which would pass for a number.
 */
export const withoutCardNumbers = (text: string): string =>
  text.replace(idOrDigits, (found, id) => (id === undefined && isCardNumber(found) ? '[pan]' : found));

/** A UUID (RFC 9562, 4), or what may be a card number. */
const idOrDigits = /\b([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\b|\d(?:[ -]?\d){12,18}/g;

function isCardNumber(text: string): boolean {
  const digits = [...text.replace(/\D/g, '')].map(Number).toReversed();
  const sum = digits.reduce((total, digit, index) => {
    const weighed = index % 2 === 1 ? digit * 2 : digit;
    return total + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return sum % 10 === 0;
}
