/**
 * The id of a sale: a UUID of version 7 (RFC 9562, 5.7), its random part out of one of version 4. Ids grow with time, so that what is kept by id is
 * written at the end of its index, and not on a page of its own for each.
 */
export const saleId = (nowMs: number, uuid: string): string => {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid.slice(15)}`;
};
