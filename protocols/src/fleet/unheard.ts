import { evidenceItems } from './evidence.ts';
import { lifecycleEdges, lifecycleStates, permits, type LifecycleState } from './lifecycle.ts';

/** What is reached from everywhere is no way out of anything. */
const everywhere: readonly LifecycleState[] = ['quarantined', 'lost'];
const isState = (text: unknown): text is LifecycleState => lifecycleStates.some((each) => each === text);

/**
 * Why nothing that is ordered reaches a terminal in this state of life, and which steps lead out of it with what evidence; undefined where a terminal
 * in it is let in, or the text is no state.
 *
 * @param serial of the terminal, for the command; a placeholder where it is not known
 */
export function unheardText(state: unknown, language: 'en' | 'ja', serial = 'SERIAL'): string | undefined {
  if (!isState(state) || permits(state, 'connect')) return undefined;
  const ways = lifecycleEdges
    .filter(({ from, to }) => from === state && !everywhere.includes(to))
    .map(({ to, evidence }) => {
      const items = evidence.map((item) => evidenceItems[item].title[language]);
      if (items.length === 0) return `${state} -> ${to}`;
      return language === 'ja' ? `${state} -> ${to}（${items.join('、')}）` : `${state} -> ${to} (${items.join(', ')})`;
    });
  const [first] = lifecycleEdges.filter(({ from, to }) => from === state && !everywhere.includes(to));
  if (language === 'ja')
    return first
      ? `端末の状態が ${state} のため接続できず、指示は届きません。次の手順で解除します: ${ways.join('、')}。tsunagu lifecycle move ${serial} ${first.to} …`
      : `端末の状態が ${state} のため接続できず、指示は届きません。`;
  return first
    ? `The terminal is in state ${state}: it is not let in, and nothing reaches it. What leads out: ${ways.join('; ')}. tsunagu lifecycle move ${serial} ${first.to} …`
    : `The terminal is in state ${state}: it is not let in, and nothing reaches it.`;
}
