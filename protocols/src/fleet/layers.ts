import { z } from 'zod';
import { abilities } from '../catalogue/abilities.ts';
import { settingValue, settingValues } from './configuration.ts';
import { serialSchema } from './identity.ts';

/** The layers of a desired configuration; what a later one sets goes before what an earlier one does. */
export const layerKinds = ['defaults', 'model', 'merchant', 'shop', 'campaign', 'terminal'] as const;
export type LayerKind = (typeof layerKinds)[number];

const placeName = z.string().min(1).max(60);
export const layerRef = z
  .discriminatedUnion('layer', [
    z.object({ layer: z.literal('defaults') }),
    z.object({ layer: z.literal('model'), model: z.string().max(32).describe('Model id of the catalogue.') }),
    z.object({ layer: z.literal('merchant'), merchant: placeName.describe('Name of the merchant.') }),
    z.object({
      layer: z.literal('shop'),
      merchant: placeName.describe('Name of the merchant.'),
      shop: placeName.describe('Name of the shop.'),
    }),
    z.object({
      layer: z.literal('campaign').describe('Of the terminals that a campaign has changed; written by it alone.'),
      campaign: z.string().min(1).max(64).describe('Id of the campaign.'),
    }),
    z.object({ layer: z.literal('terminal'), serial: serialSchema }),
  ])
  .describe(
    'Which layer: the defaults of the fleet, a model, a merchant, a shop of a merchant, the terminals that a campaign has changed, or a terminal.',
  );
/** Names one layer. */
export type LayerRef = z.infer<typeof layerRef>;

export const layerHashes = z
  .partialRecord(z.enum(layerKinds), z.string().regex(/^[0-9a-f]{0,64}$/))
  .describe('The layers that a configuration was made of, by their hashes; a layer that sets nothing is left out.');
export type LayerHashes = z.infer<typeof layerHashes>;

/** The layer as a query of the management API. */
export const layerQuery = (ref: LayerRef): string => new URLSearchParams(Object.entries(ref)).toString();

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const setting = z.string().describe('Name of the setting.');
const count = (says: string) => z.number().int().describe(says);
const writtenFields = {
  version: count('Rises with each change of the layer; also the ETag. 0: nobody wrote it yet.'),
  hash: z.string().describe('What its values are told apart by.'),
  at: time.nullable().describe('When it was written.'),
  by: z.string().nullable().describe('Who wrote it.'),
  reason: z.string().describe('Why, as given.'),
};

export const layerDocument = z
  .object({ ref: layerRef, ...writtenFields, values: settingValues.describe('What the layer sets.') })
  .describe('A layer: what it sets, and who wrote it when and why.');
export type LayerDocument = z.infer<typeof layerDocument>;

export const changeLayer = z
  .record(z.string().max(40), settingValue.nullable())
  .describe('What to set in the layer; null takes a setting out of it (RFC 7396). What is left out stays.');
export type ChangeLayer = z.infer<typeof changeLayer>;

export const inability = z
  .object({
    setting,
    layer: z.enum(layerKinds).describe('The layer that sets it.'),
    model: z.string().describe('The model that does not get it.'),
    needs: z.enum(Object.keys(abilities)).describe('What the model lacks.'),
    terminals: count('How many terminals that is.'),
  })
  .describe('A setting that terminals of a model do not get.');
export type Inability = z.infer<typeof inability>;

export const changedLayer = layerDocument
  .extend({
    terminals: count('Terminals below the layer.'),
    unable: z.array(inability).describe('Which of them do not get what, and why.'),
  })
  .describe('A layer after a change, and whom it reaches.');
export type ChangedLayer = z.infer<typeof changedLayer>;

export const layerSummary = z
  .object({ ref: layerRef, ...writtenFields, settings: count('How many settings it sets.') })
  .describe('A layer as it stands in a list.');
export type LayerSummary = z.infer<typeof layerSummary>;

export const layerVersion = z
  .object({
    ...writtenFields,
    changes: z
      .array(
        z.object({
          setting,
          from: settingValue.nullable().describe('Before; null: not set.'),
          to: settingValue.nullable().describe('After; null: not set.'),
        }),
      )
      .describe('What it changed against the version before.'),
  })
  .describe('A version of a layer.');
export type LayerVersion = z.infer<typeof layerVersion>;

export const rollBackLayer = z
  .object({ to: z.number().int().min(1).describe('The version whose values come again, as a new version.') })
  .describe('Makes a new version that equals an old one.');

export const settingDifference = z
  .object({
    setting,
    from: settingValue.nullable().describe('On the one side; null: not set.'),
    to: settingValue.nullable().describe('On the other side; null: not set.'),
  })
  .describe('A setting that differs.');
export type SettingDifference = z.infer<typeof settingDifference>;
export const settingDifferences = z
  .object({ items: z.array(settingDifference).describe('What differs, by name.') })
  .describe('What differs between two configurations.');

export const settingFacts = z
  .object({
    setting,
    name: z
      .object({ en: z.string().describe('English.'), ja: z.string().describe('Japanese.') })
      .describe('Its name for people.'),
    says: z.string().describe('What it means.'),
    kind: z
      .discriminatedUnion('type', [
        z.object({
          type: z.literal('integer'),
          min: count('The least.'),
          max: count('The most.'),
          unit: z.enum(['minor', 'ms', 'percent', 'count', 'port']).describe('What it counts.'),
        }),
        z.object({ type: z.literal('flag') }),
        z.object({ type: z.literal('choice'), of: z.array(z.string()).describe('What there is to choose from.') }),
        z.object({ type: z.literal('text'), lengthMax: count('Characters, at most.') }),
      ])
      .describe('Type, bounds and unit.'),
    factory: settingValue.describe('Its value before anybody sets it.'),
    needs: z.array(z.enum(Object.keys(abilities))).describe('What a model must be able to do.'),
    isDisruptive: z.boolean().describe('Whether a change waits for the maintenance window.'),
    models: z.array(z.string()).describe('Models that have it.'),
  })
  .describe('A setting of the catalogue.');
export type SettingFacts = z.infer<typeof settingFacts>;

/** Why a terminal is not set to what is desired. */
export const driftReasons = ['unfetched', 'offline', 'waiting', 'refused', 'reverted', 'local', 'model'] as const;
export type DriftReason = (typeof driftReasons)[number];
const driftReason = z
  .enum(driftReasons)
  .describe(
    '`unfetched`: connected, not fetched yet; `offline`: not connected; `waiting`: fetched, waits for its maintenance window; `refused`: by the terminal, see `code`; `reverted`: it did not prove itself; `local`: changed at the terminal by a technician; `model`: in force but for what the model cannot do.',
  );

export const driftEntry = z
  .object({
    serial: serialSchema,
    model: z.string().describe('Model id of the catalogue.'),
    merchant: z.string().describe('Name of the merchant.'),
    shop: z.string().describe('Name of the shop.'),
    reason: driftReason,
    code: z.string().nullable().describe('Code of the error table, where the terminal told one.'),
    field: z.string().nullable().describe('The setting that is at fault, or who changed it at the terminal.'),
    since: time.describe('Since when it should be set so; for `offline`: since when it is not connected.'),
    desired: z
      .object({ version: count('Version.'), hash: z.string().describe('What it is told apart by.') })
      .describe('What is desired.'),
    reported: z
      .object({
        version: count('Version; 0 before the first.'),
        hash: z.string().describe('What it is told apart by.'),
      })
      .describe('What is in force.'),
    behind: z.array(z.enum(layerKinds)).describe('Layers of which it does not have the newest.'),
  })
  .describe('A terminal that is not set to what is desired.');
export type DriftEntry = z.infer<typeof driftEntry>;

export const driftSummary = z
  .object({
    terminals: count('All terminals.'),
    inSync: count('Terminals that are set to what is desired.'),
    reasons: z.partialRecord(driftReason, count('How many terminals.')).describe('How many are not, by reason.'),
  })
  .describe('How far the fleet is from what is desired.');
export type DriftSummary = z.infer<typeof driftSummary>;

export const effectiveSetting = z
  .object({
    setting,
    value: settingValue.nullable().describe('What is desired; null where the model cannot do it.'),
    reported: settingValue.nullable().describe('What is in force; null where that is not known.'),
    from: z.enum(['factory', ...layerKinds]).describe('The layer that decides.'),
    version: count('Version of that layer; 0 for the factory.'),
    needs: z.string().nullable().describe('What the model lacks for it.'),
    chain: z
      .array(
        z.object({
          layer: z.enum(['factory', ...layerKinds]).describe('Who sets it.'),
          version: count('Version of the layer.'),
          value: settingValue.describe('To what.'),
        }),
      )
      .describe('Everybody who sets it, the first to be overridden first.'),
  })
  .describe('A setting of a terminal, and where it comes from.');
export type EffectiveSetting = z.infer<typeof effectiveSetting>;

export const effectiveConfiguration = z
  .object({
    serial: serialSchema,
    model: z.string().describe('Model id of the catalogue.'),
    version: count('Version of the whole: rises with each change of one of its layers.'),
    hash: z.string().describe('What the whole is told apart by; also the ETag.'),
    layers: z.array(layerSummary).describe('The layers that it is made of.'),
    settings: z.array(effectiveSetting).describe('Every setting.'),
    reported: z
      .object({
        version: count('Version in force.'),
        hash: z.string().describe('What it is told apart by.'),
        at: time.describe('When the terminal said so.'),
      })
      .nullable()
      .describe('What is in force; null before the first report.'),
    drift: driftEntry.nullable().describe('Why that is not what is desired; null where it is.'),
  })
  .describe('What a terminal is to be set to, setting by setting, and where each comes from.');
export type EffectiveConfiguration = z.infer<typeof effectiveConfiguration>;
