import { type TerminalDetail, unheardText } from '@tsunagu/protocols/fleet';
import { type ExitCode, exit, pad, refuse } from '../console/index.ts';
import type { Texts } from '../language/index.ts';
import type { Context } from './context.ts';
import { agoOf, configurationOf, lastSaleOf, linkOf, negativeOf, timelineLines, troubleLines } from './describe.ts';

/** The facts of a terminal as label and value, in the order in which a technician asks. */
export function describeTerminal(
  texts: Texts,
  now: number,
  terminal: TerminalDetail,
): readonly (readonly [string, string])[] {
  const { detail } = texts;
  return [
    [detail.model, terminal.model],
    [texts.identity.stateTitle, texts.identity.state[terminal.lifecycle]],
    [detail.place, [terminal.place.merchant, terminal.place.shop, terminal.place.lane].filter(Boolean).join(' / ')],
    ...(terminal.parent ? [[detail.parent, terminal.parent] as const] : []),
    ...(terminal.children.length ? [[detail.children, terminal.children.join(', ')] as const] : []),
    ...(terminal.replaces ? [[detail.replaces, terminal.replaces] as const] : []),
    ...(terminal.replacedBy ? [[detail.replacedBy, terminal.replacedBy] as const] : []),
    [
      detail.link,
      `${linkOf(texts, terminal)}  ${agoOf(texts, now, terminal.link.since)}  boot ${terminal.link.bootSeq}`,
    ],
    [detail.software, terminal.software ? `${terminal.software.version} (${terminal.software.slot})` : texts.none],
    [
      detail.certificate,
      terminal.certificate && terminal.lifecycle !== 'scrap'
        ? `${terminal.certificate.fingerprint.slice(0, 16)}  ${detail.until} ${terminal.certificate.notAfter.slice(0, 10)}`
        : texts.none,
    ],
    [
      detail.keys,
      terminal.keys.map((key) => `${key.slot} ${key.kcv}${key.ksn ? ` KSN ${key.ksn}` : ''}`).join('; ') ||
        (terminal.lifecycle === 'scrap' ? texts.keysDestroyed : texts.none),
    ],
    [
      detail.configuration,
      configurationOf(texts, terminal) +
        (terminal.configuration.drift && terminal.lifecycle !== 'scrap' ? `  ${terminal.configuration.drift}` : ''),
    ],
    [detail.negative, negativeOf(texts, now, terminal)],
    [detail.cards, terminal.cards.join(', ') || texts.none],
    [detail.lastSale, lastSaleOf(texts, now, terminal)],
  ];
}

/** `tsunagu terminal SERIAL`: one terminal and its timeline. */
export async function showTerminal({ client, console, json, world }: Context, serial: string): Promise<ExitCode> {
  const [detail, timeline] = await Promise.all([client.terminal(serial), client.timeline(serial)]);
  if (!detail.ok) return refuse(console, detail.fault, json);
  if (!timeline.ok) return refuse(console, timeline.fault, json);
  if (json) {
    console.out(JSON.stringify({ ...detail.value, timeline: timeline.value }, null, console.isLive ? 2 : 0));
    return exit.ok;
  }
  const { texts } = console;
  const { lifecycle } = detail.value;
  const state = lifecycle === 'deployed' ? '' : `  ${texts.identity.state[lifecycle]}`;
  console.out(console.paint('bold', detail.value.serial) + (state && console.paint('error', state)));
  const facts = describeTerminal(texts, world.clock.now(), detail.value);
  for (const [label, value] of facts) console.out(`  ${console.paint('muted', pad(label, 30))}${value}`);
  const unheard = unheardText(lifecycle, console.language, serial);
  if (unheard !== undefined) console.out(`\n${unheard}`);
  const troubles = troubleLines(console, world.clock.now(), detail.value);
  if (troubles.length > 0) console.out(`\n${console.paint('bold', texts.trouble.title)}`);
  for (const line of troubles) console.out(line);
  console.out(`\n${console.paint('bold', texts.detail.timeline)}`);
  for (const line of timelineLines(console, timeline.value)) console.out(`  ${line}`);
  return exit.ok;
}
