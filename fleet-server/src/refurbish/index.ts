export { keepWipe, wipeRecordOf } from './wipe-certificate.ts';
export { deathPdf } from './death-pdf.ts';
export { type Death, openRefurbish, type Refurbish, type RefurbishRooms } from './refurbish.ts';
