import { z } from 'zod';
import type { Brand } from '../kit/index.ts';

/** A terminal's hardware serial: 4 to 32 of A-Z, 0-9 and "-". It is the terminal's name on every wire. */
export type Serial = Brand<string, 'Serial'>;
/** The operator whose fleet it is: 1 to 32 of a-z, 0-9 and "-". */
export type TenantId = Brand<string, 'TenantId'>;
/** A job's id (UUID text). */
export type JobId = Brand<string, 'JobId'>;

/** The one place that makes a branded identity: what has the form has the name. */
const branded = <B extends string>(pattern: RegExp): z.ZodType<Brand<string, B>, string> =>
  z
    .string()
    .regex(pattern)
    .refine((_text): _text is Brand<string, B> => true);

export const serialSchema = branded<'Serial'>(/^[A-Z0-9][A-Z0-9-]{2,30}[A-Z0-9]$/).describe(
  'Hardware serial of a terminal: its name on every wire.',
);
export const tenantSchema = branded<'TenantId'>(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/).describe(
  'The operator whose fleet it is.',
);
export const jobIdSchema = branded<'JobId'>(/^[0-9a-f-]{36}$/).describe('Id of a job: a UUID in lower case.');

/** The name of a terminal inside its certificate (subjectAltName, URI). */
export const terminalUri = (tenant: TenantId, serial: Serial): string => `urn:tsunagu:${tenant}:terminal:${serial}`;

/** Reads `terminalUri` back; undefined when it is not one. */
export function parseTerminalUri(uri: string): { tenant: TenantId; serial: Serial } | undefined {
  const match = /^urn:tsunagu:([^:]+):terminal:([^:]+)$/.exec(uri);
  const tenant = tenantSchema.safeParse(match?.[1]);
  const serial = serialSchema.safeParse(match?.[2]);
  return tenant.success && serial.success ? { tenant: tenant.data, serial: serial.data } : undefined;
}
