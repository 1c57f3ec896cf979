import type { Generated, Selectable } from 'kysely';

/** Tables of validity checks. A card stands in them sealed by the vault while it waits, and not at all afterwards. */
export interface ValidityTables {
  readonly switch_validity_files: {
    seq: Generated<number>;
    id: string;
    link: string;
    file_id: string;
    /** SHA-256 of the file as it came: tells the same file from another one under its number. */
    digest: string;
    /** The header without its direction, as JSON. */
    header: string;
    /** The data key of the file, sealed. */
    data_key: Uint8Array;
    /** `arriving` until every record is on disk: nobody was told of it before that. */
    state: 'arriving' | 'asking' | 'done';
    records: number;
    /** Lines that were not taken, as JSON. */
    faults: string;
    at: number;
    done_at: number | null;
    by: string;
  };
  readonly switch_validity_cards: {
    seq: Generated<number>;
    file: string;
    sequence: number;
    reference: string;
    /** Sealed; null as soon as there is an answer. */
    card: Uint8Array | null;
    /** The issuer link to ask. */
    link: string;
    attempts: number;
    next_at: number;
    verdict: string | null;
    action_code: string | null;
    /** What took its place, sealed under the key of the file: the sender opens it. */
    box: string | null;
  };
}

export type FileRow = Selectable<ValidityTables['switch_validity_files']>;
export type CardRow = Selectable<ValidityTables['switch_validity_cards']>;
