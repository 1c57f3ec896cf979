export { listen } from './listen.ts';
export { writeTogether } from './write-together.ts';
