import { evidenceItems, lifecycleEdges, type LifecycleState } from '@tsunagu/protocols/fleet';
import type { Console } from './console.ts';
import { evidenceOptions } from './evidence-options.ts';

/** What each edge of the graph asks of `tsunagu lifecycle move`, as options, in the language of the console: for the command's help. */
export function edgeOptions({ texts: { life }, language }: Pick<Console, 'texts' | 'language'>): string {
  const asking = lifecycleEdges.filter(({ evidence }) => evidence.length > 0);
  const free = new Map<LifecycleState, LifecycleState[]>();
  for (const { from, to } of lifecycleEdges.filter(({ evidence }) => evidence.length === 0))
    free.set(to, [...(free.get(to) ?? []), from]);
  const edge = (from: string, to: string): string => `${from} → ${to}`;
  const width = Math.max(...asking.map(({ from, to }) => edge(from, to).length));
  const lines = asking.map(({ from, to, evidence, settles, ends }) => {
    const asked = evidence.map((item) => {
      if (item === 'secondPerson') return `+ ${evidenceItems.secondPerson.title[language]}`;
      // What was destroyed does not go out again.
      if (item === 'wipeProof' && !ends) return '--wipe-job';
      const { options } = evidenceOptions[item];
      return options.includes(' | ') ? `(${options})` : options;
    });
    const changed = settles ? [`[${evidenceOptions.investigation.options}: ${life.caseChanged}]`] : [];
    return `  ${edge(from, to).padEnd(width)}  ${[...asked, ...changed].join(' ')}`;
  });
  return [
    '',
    life.edgesAsk,
    ...lines,
    life.edgesFree,
    ...[...free].map(([to, from]) => `  ${edge(from.join(', '), to)}`),
  ].join('\n');
}
