export { slipEscPos } from './escpos.ts';
export { layout, type SlipRow, wrap } from './layout.ts';
export { slipPdf } from './pdf.ts';
export { printSlip, type SlipSources } from './print.ts';
export { columnsOf, shiftJis } from './shift-jis.ts';
export { type SlipBlock, type SlipCopy, type SlipHead, type SlipLanguage, slipOf, totalsSlip, yen } from './slip.ts';
export { slipText } from './text.ts';
