/** Tables of identity: who may claim a serial, and which certificates were issued. */
export interface IdentityTables {
  /** The claim secrets of registered terminals, sealed by the vault. */
  readonly claims: {
    serial: string;
    secret_sealed: Uint8Array;
    /** SHA-256 (hex) of the key that used the claim; null while it is unused. */
    used_key: string | null;
    used_at: number | null;
  };
  /** Certificates that this house issued. */
  readonly certificates: {
    /** SHA-256 of the DER, hex in lower case. */
    fingerprint: string;
    kind: 'root' | 'issuing' | 'terminal' | 'server' | 'link';
    /** Serial of the terminal, or the name of the server or link. */
    subject: string;
    /** SHA-256 of the SPKI, hex. */
    key: string;
    pem: string;
    issued_at: number;
    not_after: number;
    /** Another certificate took its place, or it was revoked. */
    ended_at: number | null;
    /** It was revoked; it is on the revocation list until it expires. */
    revoked_at: number | null;
  };
}
