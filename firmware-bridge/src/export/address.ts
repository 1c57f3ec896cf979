import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`; an IPv6 address stands in brackets. */
export function parseAddress(text: string): Result<Address, 'EXPORT_ADDRESS_INVALID'> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return fail('EXPORT_ADDRESS_INVALID');
  return ok({ host: match[1] ?? match[2] ?? '', port });
}
