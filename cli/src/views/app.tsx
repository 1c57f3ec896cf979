import type { TerminalSummary } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { Box, Text, useApp, useInput, useStdout } from 'ink';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { configurationOf, lastSaleOf, linkOf, negativeOf, placeOf } from '../commands/describe.ts';
import { explain } from '../console/index.ts';
import { type Language, textsOf } from '../language/index.ts';
import type { FleetModel, FleetState } from './fleet-model.ts';
import { useLatest } from './latest.ts';
import { SaleDialog } from './sale-dialog.tsx';
import { type ScreenColumn, Table } from './table.tsx';
import { TerminalView } from './terminal-view.tsx';

interface AppProps {
  readonly world: World;
  readonly model: FleetModel;
  readonly language: Language;
}

type Mode = 'browse' | 'filter' | 'sale' | 'help';

const staleAfterMs = 15_000;

/** The technician's screen: the live list, a terminal, a test sale. */
export function App({ world, model, language: first }: AppProps) {
  const state = useSyncExternalStore(model.subscribe, model.state);
  const [language, setLanguage] = useState(first);
  const [mode, setMode] = useLatest<Mode>('browse');
  const [filter, setFilter] = useState('');
  const [selected, setSelected] = useState(0);
  const { exit } = useApp();
  const { columns: width, rows: height } = useSize();
  const now = useSeconds(world);
  const texts = textsOf(language);
  const shown = select(state, filter);
  const cursor = Math.min(selected, Math.max(0, shown.length - 1));

  useInput((input, key) => {
    if (key.ctrl && input === 'c') return exit();
    if (mode() === 'sale') return undefined;
    if (input.length > 5 && input.endsWith('\r')) return scanned(input.trim());
    if (mode() === 'filter') return editFilter(input, key);
    if (mode() === 'help') return setMode('browse');
    return browse(input.normalize('NFKC'), key);
  });

  function scanned(code: string): void {
    if (state.terminals.has(code)) void model.open(code);
    else setFilter(code);
  }

  function editFilter(
    input: string,
    key: { escape: boolean; return: boolean; backspace: boolean; delete: boolean; ctrl: boolean },
  ): void {
    if (key.escape) setFilter('');
    if (key.escape || key.return) setMode('browse');
    else if (key.backspace || key.delete) setFilter((text) => text.slice(0, -1));
    else if (!key.ctrl && input >= ' ') setFilter((text) => text + input);
  }

  function browse(
    input: string,
    key: {
      escape: boolean;
      return: boolean;
      backspace: boolean;
      upArrow: boolean;
      downArrow: boolean;
      pageUp: boolean;
      pageDown: boolean;
    },
  ): void {
    // Keys may come faster than frames: each builds on the one before, not on what is drawn.
    const move = (by: number): void =>
      setSelected((from) => Math.max(0, Math.min(shown.length - 1, Math.min(from, shown.length - 1) + by)));
    const serial = state.opened?.serial ?? shown[cursor]?.serial;
    if (input === 'Q' || (input === 'q' && !state.opened)) exit();
    else if (key.escape || key.backspace || input === 'q') back();
    else if (key.downArrow || input === 'j') move(1);
    else if (key.upArrow || input === 'k') move(-1);
    else if (key.pageDown) move(height - 6);
    else if (key.pageUp) move(6 - height);
    else if (input === 'g') setSelected(0);
    else if (input === 'G') setSelected(Math.max(0, shown.length - 1));
    else if (input === '/' && !state.opened) setMode('filter');
    else if (input === '?') setMode('help');
    else if (input === 'L') setLanguage(language === 'ja' ? 'en' : 'ja');
    else if (input === 'r') void model.refresh();
    else if (key.return && serial && !state.opened) void model.open(serial);
    else if (input === 's' && serial) {
      void model.open(serial);
      setMode('sale');
    }
  }

  function back(): void {
    if (state.opened) model.close();
    else setFilter('');
  }

  const bodyHeight = Math.max(3, height - 4);
  return (
    <Box flexDirection="column" width={width} height={height}>
      <Header
        state={state}
        language={language}
        now={now}
        filter={filter}
        editing={mode() === 'filter'}
        shown={shown.length}
        width={width}
      />
      {mode() === 'help' ? (
        <Help language={language} height={bodyHeight} />
      ) : state.opened ? (
        <TerminalView
          texts={texts}
          language={language}
          now={world.clock.now()}
          state={state}
          width={width}
          height={bodyHeight}
        >
          {mode() === 'sale' && (
            <SaleDialog
              texts={texts}
              language={language}
              cards={state.opened.detail?.cards}
              offers={state.offers}
              onCancel={() => setMode('browse')}
              onStart={startSale}
            />
          )}
        </TerminalView>
      ) : shown.length === 0 ? (
        <Box height={bodyHeight}>
          <Text dimColor>
            {state.link === 'connecting' ? texts.tui.loading : filter ? texts.tui.noMatch : texts.tui.empty}
          </Text>
        </Box>
      ) : (
        <Table
          columns={columnsOf(texts, world.clock.now())}
          rows={shown}
          selected={cursor}
          width={width}
          height={bodyHeight}
        />
      )}
      <Footer state={state} language={language} />
    </Box>
  );

  function startSale(card: string, amount: number, how: Parameters<typeof model.sell>[3]): void {
    setMode('browse');
    if (state.opened) void model.sell(state.opened.serial, card, amount, how);
  }
}

/** Parents directly above their children, otherwise by serial. */
function select(state: FleetState, filter: string): readonly TerminalSummary[] {
  const wanted = filter.toLowerCase();
  const order = (terminal: TerminalSummary): string =>
    terminal.parent ? `${terminal.parent}/${terminal.serial}` : terminal.serial;
  return [...state.terminals.values()]
    .filter(
      (terminal) =>
        !wanted ||
        [terminal.serial, terminal.model, terminal.place.shop, terminal.link.state]
          .join(' ')
          .toLowerCase()
          .includes(wanted),
    )
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

const columnsOf = (texts: ReturnType<typeof textsOf>, now: number): readonly ScreenColumn<TerminalSummary>[] => [
  {
    head: texts.columns.serial,
    cell: (terminal) => (terminal.parent ? `  ${terminal.serial}` : terminal.serial),
    rank: 0,
  },
  { head: texts.columns.model, cell: (terminal) => terminal.model, rank: 5 },
  { head: texts.columns.place, cell: placeOf, rank: 3 },
  { head: texts.columns.link, cell: (terminal) => linkOf(texts, terminal), rank: 1 },
  {
    head: texts.columns.keys,
    cell: (terminal) => (terminal.lifecycle === 'scrap' ? texts.keysDestroyed : texts.keysLoaded(terminal.keys.length)),
    rank: 7,
  },
  { head: texts.columns.configuration, cell: (terminal) => configurationOf(texts, terminal), rank: 6 },
  { head: texts.columns.negative, cell: (terminal) => negativeOf(texts, now, terminal), rank: 4 },
  { head: texts.columns.lastSale, cell: (terminal) => lastSaleOf(texts, now, terminal), rank: 2 },
];

interface HeaderProps {
  readonly state: FleetState;
  readonly language: Language;
  readonly now: number;
  readonly filter: string;
  readonly editing: boolean;
  readonly shown: number;
  readonly width: number;
}

function Header({ state, language, now, filter, editing, shown, width }: HeaderProps) {
  const { tui, ago } = textsOf(language);
  const silentMs = now - state.heardAt;
  const stale = state.link === 'live' && silentMs > staleAfterMs;
  const link =
    state.link === 'live'
      ? stale
        ? tui.stale(ago(Math.round(silentMs / 1_000)))
        : tui.live
      : state.link === 'offline'
        ? tui.offline
        : tui.loading;
  return (
    <Box width={width} justifyContent="space-between" marginBottom={1}>
      <Text>
        <Text bold>{tui.title}</Text>
        {'  '}
        {state.opened ? state.opened.serial : tui.terminals(shown, state.terminals.size)}
        {(editing || filter) && `  ${tui.filter}: ${filter}${editing ? '_' : ''}`}
      </Text>
      <Text bold color={state.link === 'live' && !stale ? 'green' : 'yellow'}>
        {link}
      </Text>
    </Box>
  );
}

function Footer({ state, language }: { readonly state: FleetState; readonly language: Language }) {
  const { help } = textsOf(language).tui;
  const keys = state.opened
    ? [
        ['Esc', help.back],
        ['s', help.sale],
        ['r', help.refresh],
        ['L', help.language],
        ['?', help.help],
        ['Q', help.quit],
      ]
    : [
        ['Enter', help.open],
        ['s', help.sale],
        ['/', help.filter],
        ['L', help.language],
        ['?', help.help],
        ['q', help.quit],
      ];
  return (
    <Box flexDirection="column">
      <Text color="red" wrap="truncate">
        {state.fault ? `${state.fault.code}: ${explain(state.fault.code, language).says}` : ' '}
      </Text>
      <Text wrap="truncate">
        {keys.map(([key, text]) => (
          <Text key={key}>
            <Text bold>{key}</Text> <Text dimColor>{text}</Text>
            {'  '}
          </Text>
        ))}
      </Text>
    </Box>
  );
}

function Help({ language, height }: { readonly language: Language; readonly height: number }) {
  const { help, helpTitle } = textsOf(language).tui;
  const keys = [
    ['j k ↑ ↓ g G', help.move],
    ['Enter', help.open],
    ['Esc', help.back],
    ['s', help.sale],
    ['/', help.filter],
    ['r', help.refresh],
    ['L', help.language],
    ['q Q Ctrl-C', help.quit],
  ];
  return (
    <Box flexDirection="column" height={height}>
      <Text bold>{helpTitle}</Text>
      {keys.map(([key = '', text]) => (
        <Text key={key}>
          {key.padEnd(14)}
          {text}
        </Text>
      ))}
    </Box>
  );
}

function useSize(): { columns: number; rows: number } {
  const { stdout } = useStdout();
  const [size, setSize] = useState({ columns: stdout.columns, rows: stdout.rows });
  useEffect(() => {
    const resized = (): void => setSize({ columns: stdout.columns, rows: stdout.rows });
    stdout.on('resize', resized);
    return () => void stdout.off('resize', resized);
  }, [stdout]);
  return size;
}

/** The monotonic clock, once a second: ages on the screen move on when nothing is heard. */
function useSeconds(world: World): number {
  const [now, setNow] = useState(world.clock.monotonicMs());
  useEffect(() => {
    const timer = world.timers.every(1_000, () => setNow(world.clock.monotonicMs()));
    return () => timer.cancel();
  }, [world]);
  return now;
}
