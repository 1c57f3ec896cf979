export { type Paper, type PaperTable, paperPdf } from './paper.ts';
