import type { Generated } from 'kysely';
import type { DriftReason, LayerKind } from '@tsunagu/protocols/fleet';

/** Tables of the twin: what terminals should be set to, and what they say they are set to. */
export interface TwinTables {
  /** Every layer that somebody wrote, as it is now. A shop stands within its merchant; all others within nothing. */
  readonly configuration_layers: {
    id: Generated<number>;
    kind: LayerKind;
    parent: string;
    scope: string;
    version: number;
    /** Of its newest version: rises over all layers. */
    revision: number;
    hash: string;
    /** JSON: values by setting. */
    value: string;
  };
  /** Every version of every layer. Rows are never changed. */
  readonly configuration_versions: {
    revision: Generated<number>;
    layer: number;
    version: number;
    hash: string;
    value: string;
    at: number;
    writer: string;
    reason: string;
  };
  /**
   * What comes out of the layers, once for all terminals that stand below the same ones: their model, the ids of the layers of
   * merchant, shop and terminal, and of the stack of campaigns; 0 where there is none.
   */
  readonly configuration_paths: {
    id: Generated<number>;
    model: string;
    merchant: number;
    shop: number;
    stack: number;
    terminal: number;
    version: number;
    hash: string;
    value: string;
    /** JSON: hashes of its layers by their kind. */
    layers: string;
    /** How many settings of its layers the model cannot do. */
    unable: number;
    /** Since when it has this hash. */
    at: number;
  };
  /** Sets of campaigns' layers that occur together: a JSON list of their ids, the newest and strongest last. Rows are never changed. */
  readonly configuration_stacks: {
    id: Generated<number>;
    layers: string;
  };
  /** The stack that a terminal stands below; no row while there is none. However many campaigns there are, it is one row. */
  readonly configuration_members: {
    serial: string;
    stack: number;
  };
  readonly reported_configurations: {
    serial: string;
    version: number;
    hash: string;
    /** JSON, or null while only the hello's hash is known. */
    value: string | null;
    drift: string | null;
    at: number;
    /** Boot and sequence of the message that said so: only a newer one changes the row. */
    boot_seq: number;
    seq: number;
    /** Hash of the desired configuration that `drift` is about. */
    answers: string;
    field: string | null;
    layers: string;
    /** The path that the terminal stood at when it last said something: counting by it takes no look at the layers. */
    path: number | null;
  };
  /** A view: every terminal with what is desired, what it reported, and why the two differ. Reading only. */
  readonly terminal_configurations: {
    serial: string;
    model: string;
    merchant: string;
    shop: string;
    merchant_layer: number;
    shop_layer: number;
    stack: number;
    terminal_layer: number;
    path: number | null;
    desired_version: number | null;
    desired_hash: string | null;
    desired: string | null;
    desired_layers: string | null;
    desired_at: number | null;
    unable: number | null;
    reported_version: number | null;
    reported_hash: string | null;
    reported: string | null;
    reported_layers: string | null;
    reported_at: number | null;
    answers: string | null;
    drift: string | null;
    field: string | null;
    link: string | null;
    link_since: number | null;
    registered_at: number;
    reason: DriftReason | null;
  };
}
