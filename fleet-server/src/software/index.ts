export { openSoftwareImages, type SoftwareImages } from './software.ts';
