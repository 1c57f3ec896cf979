import { changeValues, checkEffective, differencesOf, effectiveOf, type Layer } from '@tsunagu/fleet-server/twin/index';
import { abilities, modelOf, models, type TerminalModel } from '@tsunagu/protocols/catalogue';
import {
  configuration,
  configurationHash,
  factoryConfiguration,
  isSettingName,
  lackedFor,
  readConfiguration,
  settingNames,
  settingOf,
  settings,
  type SettingValues,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, it } from 'vitest';

const model = (id: string): TerminalModel => modelOf(id) ?? expect.fail(id);
const layer = (kind: Layer['kind'], revision: number, values: SettingValues): Layer => ({
  kind,
  version: 1,
  revision,
  hash: configurationHash(values),
  values,
});

describe('the catalogue of settings', () => {
  it('has a name in both languages, a description and bounds that hold its factory value for every row', () => {
    for (const name of settingNames) {
      const { name: said, says, kind, needs = [] } = settingOf(name);
      expect(said.en.trim() && said.ja.trim() && says.trim(), name).not.toBe('');
      const factory = factoryConfiguration[name];
      if (kind.type === 'integer') {
        expect(factory, name).toBeGreaterThanOrEqual(kind.min);
        expect(factory, name).toBeLessThanOrEqual(kind.max);
        for (const beyond of [kind.min - 1, kind.max + 1, kind.min + 0.5])
          expect(settings[name].schema.safeParse(beyond).success, `${name} ${beyond}`).toBe(false);
      }
      if (kind.type === 'choice') expect(kind.of, name).toContain(factory);
      if (kind.type === 'text')
        expect(settings[name].schema.safeParse('x'.repeat(kind.lengthMax + 1)).success).toBe(false);
      for (const need of needs) expect(Object.keys(abilities), name).toContain(need);
    }
  });

  it('lets no card number into a text, however it is written', () => {
    const texts = settingNames.filter((name) => settingOf(name).kind.type === 'text');
    expect(texts.length).toBeGreaterThan(3);
    for (const name of texts)
      for (const pan of ['4761739001010010', '4761 7390 0101 0010', 'No. 4761-7390-0101-0010.'])
        expect(settings[name].schema.safeParse(pan).success, `${name} ${pan}`).toBe(false);
    // A telephone number is none.
    expect(settings.receiptFooter.schema.safeParse('TEL 03-1234-5678').success).toBe(true);
  });

  it('knows for each model of the catalogue what it lacks, and each ability is had by some and lacked by some', () => {
    for (const [name, { has }] of Object.entries(abilities)) {
      const having = models.filter((one) => has(one)).length;
      expect([having > 0, name === 'stripe' || having < models.length], name).toEqual([true, true]);
    }
    expect(lackedFor('floorLimitMinor', model('CATS200'))).toBe('offline');
    expect(lackedFor('contactlessLimitMinor', model('JT-C07'))).toBe('contactless');
    expect(lackedFor('fleetPort', model('JET-HANDY'))).toBe('ownLine');
    expect(lackedFor('pinBypass', model('CT-5100'))).toBeUndefined();
  });
});

describe('the effective configuration', () => {
  it('takes each value from the strongest layer that sets it, and tells the whole chain', () => {
    const effective = effectiveOf(model('CT-5100'), [
      layer('defaults', 3, { floorLimitMinor: 1_000, language: 'en' }),
      layer('merchant', 7, { floorLimitMinor: 3_000 }),
      layer('terminal', 5, { floorLimitMinor: 2_000 }),
    ]);
    expect(effective.values).toMatchObject({ floorLimitMinor: 2_000, language: 'en', taxPercent: 10 });
    expect(effective.chains.get('floorLimitMinor')?.map(({ layer: kind, value }) => [kind, value])).toEqual([
      ['factory', 0],
      ['defaults', 1_000],
      ['merchant', 3_000],
      ['terminal', 2_000],
    ]);
    expect(effective.version).toBe(7);
    expect(effective.hash).toBe(configurationHash(effective.values));
    expect(Object.keys(effective.layers)).toEqual(['defaults', 'merchant', 'terminal']);
  });

  it('gives a model only what it can do, and names what it does not get; for every model it is one that the terminal takes', () => {
    const asked = layer('merchant', 1, {
      floorLimitMinor: 5_000,
      pinBypass: true,
      receiptFooter: 'thanks',
      fleetPort: 8_883,
    });
    for (const one of models) {
      const effective = effectiveOf(one, [asked]);
      const lacked = Object.keys(asked.values).filter(
        (name) => isSettingName(name) && lackedFor(name, one) !== undefined,
      );
      expect([...effective.unable].sort(), one.id).toEqual(lacked.sort());
      for (const name of settingNames)
        expect(name in effective.values, `${one.id} ${name}`).toBe(lackedFor(name, one) === undefined);
      expect(unwrap(readConfiguration(effective.values, one)).unknown, one.id).toEqual([]);
    }
  });

  it('is refused where two settings contradict each other', () => {
    const bad = effectiveOf(model('CT-5100'), [
      layer('defaults', 1, { floorLimitMinor: 9_000, amountMaxMinor: 5_000 }),
    ]);
    expect(checkEffective(bad)).toMatchObject({
      ok: false,
      fault: {
        code: 'CONFIGURATION_CONTRADICTS',
        field: 'floorLimitMinor',
        facts: { with: 'amountMaxMinor', max: 5_000 },
      },
    });
  });
});

describe('a change of a layer', () => {
  it('sets, leaves, and takes out; what is no setting, no value, or beyond the one model below is refused by name', () => {
    expect(
      unwrap(changeValues({ language: 'en', taxPercent: 8 }, { taxPercent: null, heartbeatMs: 9_000 }, undefined)),
    ).toEqual({
      language: 'en',
      heartbeatMs: 9_000,
    });
    const refused = (change: Record<string, string | number | boolean>, of?: TerminalModel) => {
      const result = changeValues({}, change, of);
      return result.ok ? undefined : [result.fault.code, result.fault.field, result.fault.facts?.['needs']];
    };
    expect(refused({ colour: 'red' })).toEqual(['SETTING_UNKNOWN', 'colour', undefined]);
    expect(refused({ taxPercent: 51 })?.slice(0, 2)).toEqual(['INPUT_INVALID', 'taxPercent']);
    expect(refused({ timeZone: 'Asia/Atlantis' })?.slice(0, 2)).toEqual(['INPUT_INVALID', 'timeZone']);
    expect(refused({ maintenanceWindow: '25:00-26:00' })?.slice(0, 2)).toEqual(['INPUT_INVALID', 'maintenanceWindow']);
    expect(refused({ floorLimitMinor: 1 }, model('CATS200'))).toEqual([
      'CONFIGURATION_BEYOND_MODEL',
      'floorLimitMinor',
      'offline',
    ]);
    expect(refused({ floorLimitMinor: 1 }, undefined)).toBeUndefined();
  });

  it('is told as what was there before and after', () => {
    expect(differencesOf({ a: 1, b: 2 }, { b: 3, c: true })).toEqual([
      { setting: 'a', from: 1, to: null },
      { setting: 'b', from: 2, to: 3 },
      { setting: 'c', from: null, to: true },
    ]);
  });
});

it('a terminal keeps what it does not know, and honours the rest', () => {
  const read = unwrap(
    readConfiguration({ ...configuration.parse({ taxPercent: 8 }), fromTomorrow: 1 }, model('CT-5100')),
  );
  expect(read).toMatchObject({ values: { taxPercent: 8 }, unknown: ['fromTomorrow'] });
});
