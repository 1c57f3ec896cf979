import { type Transaction, totalsOf } from '@tsunagu/firmware-bridge/sales/index';
import { cardVault } from '@tsunagu/firmware-bridge/secure/index';
import { emulatedSignature } from '@tsunagu/firmware-bridge/signature/index';
import {
  columnsOf,
  shiftJis,
  type SlipHead,
  slipEscPos,
  slipOf,
  slipPdf,
  slipText,
  totalsSlip,
  wrap,
} from '@tsunagu/firmware-bridge/slips/index';
import { acquirerOfCard, paymentKinds, saleOutcomes } from '@tsunagu/protocols/fleet';
import { Secret, secretPan } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { describe, expect, it } from 'vitest';
import { print } from './escpos-printer.ts';

const pan = '4761739001010010';
const card = cardVault(
  Secret.take('key', new Uint8Array(32).fill(3)),
  systemWorld(() => undefined),
).seal({
  pan: secretPan(pan),
});
const head: SlipHead = {
  merchantName: '喫茶つなぐ',
  terminalId: 'T317A2B2',
  merchantId: 'MA09A241DEC80FC',
  taxPercent: 10,
  receiptHeader: '',
  receiptFooter: '',
  timeZone: 'Asia/Tokyo',
};
const sale: Transaction = {
  v: 1,
  slip: 12,
  day: 1,
  kind: 'sale',
  at: Date.UTC(2026, 10, 25, 3, 4, 5),
  outcome: 'approved',
  amountMinor: 12_800,
  entry: 'contact',
  verification: 'signature',
  card,
  stan: '000123',
  localTime: '261125120405',
  posDataCode: '510101511344',
  mti: '1200',
  rrn: '632912000123',
  approvalCode: '2F5EA3',
  actionCode: '000',
  isOffline: false,
  chip: {
    aid: 'A0000000031010',
    label: 'VISA CREDIT',
    atc: '0042',
    cryptogram: '0123456789ABCDEF',
    cryptogramKind: 'TC',
    tvr: '0000008000',
    tsi: 'E800',
  },
};
const signed: Transaction = { ...sale, signature: emulatedSignature('somebody') };

describe('the text of a slip', () => {
  it('calls nothing credit that is none: a gift or cash card has no scheme', () => {
    const gift: Transaction = { ...sale, card: { ...card, scheme: '', lastFour: '0014' } };
    const ja = slipText(slipOf(gift, head, 'customer', 'ja'), 32);
    expect(ja).toContain('カード取引票');
    expect(ja).not.toMatch(/クレジット|一括/);
    expect(slipText(slipOf(gift, head, 'customer', 'en'), 32)).not.toContain('CREDIT CARD');
    // What a gift card has left, where its issuer tells.
    expect(slipText(slipOf({ ...gift, balanceMinor: 6_000 }, head, 'customer', 'ja'), 32)).toMatch(
      /カード残額 +¥6,000/,
    );
    expect(ja).not.toContain('カード残額');
  });
  it('shows a Japanese merchant copy as it is printed, 32 columns', () => {
    expect(slipText(slipOf(sale, head, 'merchant', 'ja'), 32)).toBe(`     クレジットカード売上票
           加盟店控え
--------------------------------
加盟店名              喫茶つなぐ
加盟店番号       MA09A241DEC80FC
端末番号                T317A2B2
伝票番号                   00012
取引日時     2026/11/25 12:04:05
取引区分                    売上
--------------------------------
カード会社                  Visa
カード番号   **** **** **** 0010
読取方法                      IC
アプリ               VISA CREDIT
AID               A0000000031010
ATC                         0042
TC              0123456789ABCDEF
端末通番                  000123
検索参照番号        632912000123
承認番号                  2F5EA3
--------------------------------
支払区分                    一括
合計金額                 ¥12,800
(内消費税10%)             ¥1,163
--------------------------------
結果                        承認
ご署名


________________________________
            *00012*
`);
  });

  it('says of a card outside of its bank’s hours when they are, and not that somebody is out of order', () => {
    const late: Transaction = {
      ...sale,
      outcome: 'declined',
      actionCode: '907',
      serviceHours: { from: '08:00', until: '21:00' },
    };
    const text = (language: 'ja' | 'en'): string =>
      slipText(slipOf(late, head, 'customer', language), 32).replaceAll('\n', '');
    expect(text('en')).toMatch(/08:00 to *21:00/);
    expect(text('en')).not.toContain('inoperative');
    expect(text('ja')).toContain('取扱時間外');
    const { serviceHours: _hours, ...down } = late;
    expect(slipText(slipOf(down, head, 'customer', 'en'), 32)).toContain('inoperative');
  });

  it('shows the code that the acquirer has for a refusal above the action code', () => {
    const refused: Transaction = { ...sale, outcome: 'declined', actionCode: '117', tillCode: 'G42' };
    expect(slipText(slipOf(refused, head, 'customer', 'ja'), 32)).toMatch(/エラーコード +G42\n応答コード +117\n/);
    expect(slipText(slipOf(refused, head, 'merchant', 'en'), 32)).toMatch(/Till code +G42\nCode +117\n/);
  });

  it('shows no tax on what puts money onto a card, nor on what takes it back', () => {
    const taxed = (one: Transaction): boolean => slipText(slipOf(one, head, 'customer', 'en'), 32).includes('tax');
    const original = { slip: 11, stan: '000122', localTime: '261125120400' };
    expect(taxed({ ...sale, kind: 'charge' })).toBe(false);
    expect(taxed({ ...sale, kind: 'void', original: { ...original, kind: 'charge' } })).toBe(false);
    expect(taxed({ ...sale, kind: 'void', original: { ...original, kind: 'sale' } })).toBe(true);
  });

  it('shows a declined sale in English, with the issuer’s reason and no approval', () => {
    const declined: Transaction = {
      ...sale,
      outcome: 'declined',
      actionCode: '116',
      approvalCode: undefined,
      chip: undefined,
    };
    const text = slipText(slipOf(declined, head, 'customer', 'en'), 32);
    expect(text).toContain('NO TRANSACTION');
    expect(text).toContain('Result                  DECLINED');
    expect(text).toContain('Code                         116');
    expect(text).toMatch(/insufficient|not sufficient/i);
    expect(text).not.toContain('Approval');
    expect(text).not.toContain('Signature');
  });

  const cases = paymentKinds.flatMap((kind) => saleOutcomes.map((outcome) => [kind, outcome] as const));
  it.each(cases)(
    'of a %s that is %s fits every width in both languages, and shows four digits only',
    (kind, outcome) => {
      const one: Transaction = {
        ...signed,
        kind,
        outcome,
        reason: outcome === 'approved' ? undefined : 'ACQUIRER_TIMEOUT',
      };
      for (const language of ['ja', 'en'] as const)
        for (const copy of ['customer', 'merchant'] as const)
          for (const columns of [24, 32, 48]) {
            const blocks = slipOf(one, head, copy, language);
            const text = slipText(blocks, columns);
            for (const line of text.split('\n')) expect(columnsOf(line), line).toBeLessThanOrEqual(columns);
            expect(text).toContain('0010');
            expect(text).not.toMatch(/\d{7,}0010|4761/);
            const paper = print(slipEscPos(blocks, columns));
            expect(paper.cuts).toBe(1);
            for (const line of paper.lines)
              expect(columnsOf(line.text)).toBeLessThanOrEqual(line.isLarge ? columns / 2 : columns);
          }
    },
  );

  it('breaks what is too long, and loses nothing of it', () => {
    const long = 'とても長い加盟店名の喫茶店つなぐ 梅田地下街東通り商店街店';
    expect(wrap(long, 24).join('').replaceAll(' ', '')).toBe(long.replaceAll(' ', ''));
    const text = slipText(slipOf(sale, { ...head, merchantName: long }, 'customer', 'ja'), 24);
    expect(text.replaceAll(/[\n ]/g, '')).toContain(long.replaceAll(' ', ''));
  });

  it('says PIN OK, and that no signature is needed', () => {
    const text = (verification: Transaction['verification'], language: 'ja' | 'en') =>
      slipText(slipOf({ ...sale, verification }, head, 'merchant', language), 32);
    expect(text('offlinePin', 'en')).toContain('PIN OK');
    expect(text('offlinePin', 'ja')).toContain('暗証番号確認済');
    expect(text('none', 'ja')).toContain('サイン不要');
    expect(text('offlinePin', 'en')).not.toContain('____');
  });

  it('says PIN OK and has a line to sign on, on the copy that is signed, where both are asked for', () => {
    const both = { ...sale, verification: 'onlinePinAndSignature' } as const;
    const text = (copy: 'merchant' | 'customer', language: 'ja' | 'en') =>
      slipText(slipOf(both, head, copy, language), 32);
    expect(text('merchant', 'ja')).toMatch(/暗証番号確認済[^]*ご署名/);
    expect(text('merchant', 'en')).toMatch(/PIN OK[^]*Signature/);
    expect(text('customer', 'ja')).toContain('暗証番号確認済');
    expect(text('customer', 'ja')).not.toContain('____');
  });

  it('prints daily totals', () => {
    const totals = {
      day: 3,
      isClosed: true,
      from: sale.at,
      until: sale.at,
      lines: [
        { scheme: 'visa', kind: 'sale', count: 2, amountMinor: 7_370 },
        { scheme: 'visa', kind: 'refund', count: 1, amountMinor: 2_000 },
      ],
      netMinor: 5_370,
      waiting: 1,
      refused: [{ stan: '000009', actionCode: '118' }],
    } as const;
    const text = slipText(
      totalsSlip({ ...totals, lines: [...totals.lines], refused: [...totals.refused] }, head, 'ja'),
      32,
    );
    expect(text).toContain('Visa 返品           1件  -¥2,000');
    expect(text).toContain('差引合計                  ¥5,370');
    expect(text).toContain('要確認              000009 (118)');
  });
});

describe('totals of a terminal of many card companies', () => {
  const setting = 'jcc=35 acs=4,51';
  const companies = cardVault(
    Secret.take('key', new Uint8Array(32).fill(8)),
    systemWorld(() => undefined),
    (first) => acquirerOfCard(setting, first),
  );
  const of = (number: string, slip: number, kind: Transaction['kind'], amountMinor: number): Transaction => ({
    ...sale,
    slip,
    stan: String(slip).padStart(6, '0'),
    kind,
    amountMinor,
    day: 1,
    outcome: 'approved',
    card: companies.seal({ pan: secretPan(number) }),
  });

  it('stand by company, and the company of a card is bound to its box', () => {
    const totals = totalsOf(
      1,
      [
        of('4761739001010010', 1, 'sale', 1_000),
        of('5105105105105100', 2, 'sale', 500),
        of('3569990010082211', 3, 'sale', 700),
        of('3569990010082211', 4, 'refund', 200),
        of('6011000990139424', 5, 'sale', 40),
      ],
      [],
    );
    expect(totals.companies).toEqual([
      { company: 'acs', netMinor: 1_500 },
      { company: 'jcc', netMinor: 500 },
    ]);
    expect(totals.netMinor).toBe(2_040);
    expect(totals.lines.map(({ company, scheme, kind }) => [company, scheme, kind])).toEqual([
      [undefined, expect.any(String), 'sale'],
      ['acs', 'mastercard', 'sale'],
      ['acs', 'visa', 'sale'],
      ['jcc', 'jcb', 'sale'],
      ['jcc', 'jcb', 'refund'],
    ]);
    const text = slipText(totalsSlip(totals, head, 'ja'), 32);
    expect(text).toMatch(/差引合計 acs +¥1,500\n差引合計 jcc +¥500\n差引合計 +¥2,040/);
    const { card: one } = of('4761739001010010', 1, 'sale', 1);
    if (!one) throw new Error('no card');
    expect(companies.open(one).ok).toBe(true);
    expect(companies.open({ ...one, company: 'jcc' })).toMatchObject({ fault: { code: 'CARD_BOX_BROKEN' } });
  });
});

describe('bytes for a printer', () => {
  it('say on a printer that nobody of us wrote for what the text says, large and strong where it should be', () => {
    const blocks = slipOf(signed, head, 'merchant', 'ja');
    const paper = print(slipEscPos(blocks, 32));
    const plain = slipText(blocks, 32)
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.includes('strokes') && !line.includes('*00012*'));
    expect(paper.lines.map(({ text }) => text.trimEnd()).filter((line) => line !== '')).toEqual(
      plain.map((line) => line.trimEnd()),
    );
    expect(paper.lines.find(({ text }) => text.includes('¥12,800'))?.isStrong).toBe(true);
    expect([paper.barcodes, paper.qrCodes]).toEqual([['00012'], ['00012']]);
    expect(paper.rasters).toHaveLength(1);
    const [picture] = paper.rasters;
    expect(picture?.width).toBe(384);
    const black = (picture?.bits ?? new Uint8Array()).reduce(
      (sum, byte) => sum + byte.toString(2).replaceAll('0', '').length,
      0,
    );
    expect(black).toBeGreaterThan(500);
    expect(black).toBeLessThan(((picture?.width ?? 0) * (picture?.height ?? 0)) / 4);
    const declined = print(slipEscPos(slipOf({ ...sale, outcome: 'declined' }, head, 'customer', 'ja'), 32));
    expect(declined.lines.find(({ isLarge }) => isLarge)?.text.trim()).toBe('取引不成立');
  });

  it('cannot be made to hold a command by a name', () => {
    const evil = `a\u001b@\u001dV\u0000b\n\u001c.😀é①表ｱ`;
    const bytes = shiftJis(evil);
    expect([...bytes].some((byte) => byte < 0x20)).toBe(false);
    const paper = print(slipEscPos(slipOf(sale, { ...head, merchantName: evil }, 'customer', 'ja'), 48));
    expect(paper.cuts).toBe(1);
    expect(paper.lines.some(({ text }) => text.includes('〓') && text.includes('表ｱ'))).toBe(true);
  });
});

describe('a slip as PDF', () => {
  it('is one page with the text in the embedded font, fits a message, and holds the signature as a path', async () => {
    const bytes = Buffer.from(await slipPdf(slipOf(signed, head, 'merchant', 'ja'), 32, sale.at));
    expect(bytes.subarray(0, 5).toString()).toBe('%PDF-');
    expect(bytes.toString('base64').length).toBeLessThan(56_000);
    expect(bytes.toString('latin1').match(/\/Type \/Page\b/g)).toHaveLength(1);
    const unsigned = await slipPdf(slipOf(sale, head, 'customer', 'ja'), 32, sale.at);
    const { streamsOf, textOf } = await import('./pdf-reader.ts');
    const text = textOf(bytes);
    for (const wanted of ['クレジットカード売上票', '加盟店控え', '喫茶つなぐ', '合計金額', '**** **** **** 0010'])
      expect(text).toContain(wanted);
    expect(text).not.toContain('4761');
    const curves = (pdf: Uint8Array): number =>
      streamsOf(pdf).reduce((sum, { content }) => sum + (content.toString('latin1').match(/\d l\n/g)?.length ?? 0), 0);
    expect(curves(bytes)).toBeGreaterThan(curves(unsigned) + 20);
  });
});
