/** Which token, behind which module. */
export interface Pkcs11Place {
  readonly module: string;
  readonly token: string;
  /** A file that holds the PIN. */
  readonly pinFile?: string;
}

/**
 * Reads a PKCS #11 URI with the attributes `token`, `module-path` and `pin-source` (a path or `file:` URI). A PIN in it (`pin-value`) is refused:
 * it would stand in lists of processes. undefined when it cannot be read.
 *
 * @see RFC 7512, 2.3 and 2.4
 */
export function parsePkcs11Uri(uri: string): Pkcs11Place | undefined {
  const [, path = '', query = ''] = /^pkcs11:([^?]*)\??(.*)$/.exec(uri) ?? [];
  const attributes = new Map<string, string>();
  for (const part of [...path.split(';'), ...query.split('&')].filter(Boolean)) {
    const [name = '', value] = part.split('=', 2);
    if (value === undefined || attributes.has(name) || !['token', 'module-path', 'pin-source'].includes(name))
      return undefined;
    try {
      attributes.set(name, decodeURIComponent(value));
    } catch {
      return undefined;
    }
  }
  const token = attributes.get('token');
  const module = attributes.get('module-path');
  const pinFile = attributes.get('pin-source')?.replace(/^file:(\/\/)?/, '');
  if (!token || !module?.startsWith('/')) return undefined;
  return { module, token, ...(pinFile !== undefined && { pinFile }) };
}
