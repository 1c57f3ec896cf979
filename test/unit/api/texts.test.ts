import { jobStates, saleSteps, timelineKinds } from '@tsunagu/protocols/fleet';
import { describe, expect, it } from 'vitest';
import { en } from '../../../fleet-server/web/src/text/en.js';
import { ja } from '../../../fleet-server/web/src/text/ja.js';

describe('texts of the dashboard', () => {
  it('has the same keys and the same blanks in both languages, each as a blank is written, none empty', () => {
    expect(Object.keys(ja).sort()).toEqual(Object.keys(en).sort());
    const blanks = (text: string): string[] => (text.match(/\{\{\w+\}\}/g) ?? []).sort();
    for (const [key, text] of Object.entries(en)) {
      const other = Object.entries(ja).find(([name]) => name === key)?.[1] ?? '';
      expect(blanks(other), key).toEqual(blanks(text));
      expect(text.trim() && other.trim(), key).not.toBe('');
      for (const one of [text, other]) expect(one.replaceAll(/\{\{\w+\}\}/g, ''), key).not.toMatch(/[{}]/);
    }
  });

  it('has a word for each kind of event, state of a job and step of a sale', () => {
    const wanted = [
      ...timelineKinds.map((kind) => `timeline.${kind}`),
      ...jobStates.map((state) => `job.${state}`),
      ...saleSteps.map((step) => `step.${step}`),
    ];
    expect(Object.keys(en)).toEqual(expect.arrayContaining(wanted));
  });
});
