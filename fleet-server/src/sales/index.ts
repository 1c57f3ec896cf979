export { openSales, type Sales, type SwitchedSales } from './sales.ts';
