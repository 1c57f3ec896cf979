export { type ChangeOver, changeOver, commit, revert, switchTo, type Trial } from './trial.ts';
