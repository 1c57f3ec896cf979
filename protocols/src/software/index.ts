export {
  encodeSoftwareImage,
  readSoftwareHeader,
  softwareHeader,
  type SoftwareHeader,
  softwareHeaderBytesMax,
} from './image.ts';
export { softwareBytesMax } from './limits.ts';
